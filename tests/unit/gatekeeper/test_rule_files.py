"""A rules file is taken whole or not at all, and every mistake is told with its line."""

import pytest

from services.gatekeeper.domain.rule_files import RuleFileError, read_rules
from services.gatekeeper.domain.rules import Ask, Limit, Value
from services.gatekeeper.settings import PACKAGED_RULES

GOOD = """\
limits: {second: 10, hour: 100}
rules:
  - path: /api/patients/(?P<patient_id>[0-9a-f-]{36})/episodes/(?P<id>[0-9a-f-]{36})
    methods: [GET, HEAD]
    scopes: ["episode:read"]
    abac:
      action: read
      resource: episode
      resource_id: path.id
      contexts: [{type: patient, id: path.patient_id}, {type: episode, id: query.episode}]
  - {path: /api/dictionaries, methods: [GET], scopes: [], api_key: true, limits: {}}
"""


def mistakes_of(text: str) -> list[str]:
    with pytest.raises(RuleFileError) as caught:
        read_rules(text)
    return list(caught.value.mistakes)


def test_a_file_is_read_in_order() -> None:
    rules = read_rules(GOOD)
    first, second = rules.rules
    limits = (
        Limit(period="second", seconds=1, most=10),
        Limit(period="hour", seconds=3600, most=100),
    )
    assert (first.line, second.line) == (3, 11)
    assert first.methods == {"GET", "HEAD"}
    assert first.scopes == ("episode:read",)
    assert first.limits == rules.limits == limits
    assert first.ask == Ask(
        action="read",
        resource="episode",
        resource_id=Value(source="path", name="id"),
        contexts=(
            ("patient", Value(source="path", name="patient_id")),
            ("episode", Value(source="query", name="episode")),
        ),
    )
    assert second.api_key
    assert second.ask is None
    assert second.limits == ()


def test_the_packaged_file_is_good() -> None:
    assert len(read_rules(PACKAGED_RULES.read_text()).rules) > 20


def test_all_mistakes_are_told_at_once_each_with_its_line() -> None:
    text = """\
limits: {minute: 10, hour: 5, week: 1, day: x}
rules:
  - {path: /a, methods: [GET], scopes: []}
  - {path: /a, methods: [GET, POST], scopes: []}
  - {path: /b(, methods: [FETCH], scopes: ["a b"]}
  - {path: b, methods: [], scopes: x}
  - just text
  - {path: 1, methods: [GET], scopes: [1], api_key: 1, color: red}
  - {methods: [GET], methods: [GET]}
  - path: /c
    methods: [GET]
    scopes: []
    api_key: true
    abac:
      action: look
      resource: episode
      resource_id: id
      contexts: [{type: patient, id: path.patient_id}, x, {id: query.y}]
  - {path: /d, methods: [GET], scopes: [], abac: x, limits: x}
  - {path: /e, methods: [GET], scopes: [], abac: {action: read, resource: e, contexts: x}}
"""
    assert mistakes_of(text) == [
        "line 1: `day` must be a whole number above 0",
        "line 1: `hour` may not be less than `minute`",
        "line 1: `week` is not known here",
        "line 4: never reached: line 3 has GET of the same path",
        "line 5: `methods` must be one of DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT",
        "line 5: `methods` must name at least one",
        (
            "line 5: `path` is no regular expression: "
            "missing ), unterminated subpattern at position 2"
        ),
        "line 5: `scopes`: 'a b' is none",
        "line 6: `methods` must name at least one",
        "line 6: `path` must begin with `/`",
        "line 6: `scopes` must be a list",
        "line 7: a rule must be a mapping",
        "line 8: `api_key` must be true or false",
        "line 8: `color` is not known here",
        "line 8: `path` must be text",
        "line 8: `scopes` must be text",
        "line 9: `methods` is there twice",
        "line 9: `path` is missing",
        "line 9: `scopes` is missing",
        "line 15: `action` must be one of action, create, delete, read, update, write",
        "line 15: a rule with `api_key` has no user to ask for",
        "line 17: `resource_id` must be `path.NAME` or `query.NAME`",
        "line 18: `id`: the path captures no `patient_id`",
        "line 18: `type` is missing",
        "line 18: a context must be a mapping",
        "line 19: `abac` must be a mapping",
        "line 19: `limits` must be a mapping",
        "line 20: `contexts` must be a list",
    ]


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("", "line 1: must have `rules`"),
        ("- x", "line 1: must have `rules`"),
        ("limits: {}", "line 1: `rules` is missing"),
        ("rules: []", "line 1: `rules` must have at least one rule"),
        ("rules:\n  - {path: /a", "line 2: expected ',' or '}', but got '<stream end>'"),
        ("rules: \x00", "line 1: cannot be read as YAML"),
        (
            "rules: !!python/object:os.system []",
            "line 1: `rules` must have at least one rule",
        ),
    ],
)
def test_a_file_that_is_no_rules_file_is_refused(text: str, mistake: str) -> None:
    assert mistakes_of(text) == [mistake]
