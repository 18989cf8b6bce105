"""The first rule counts, its path is the whole path, and what it asks comes from the request."""

import re
from uuid import UUID

import pytest

from services.gatekeeper.domain.rules import Ask, Question, Rule, Rules, Value, question_of
from shared.models.access import Context, Resource

ONE, TWO = UUID(int=1), UUID(int=2)


def a_rule(path: str, *methods: str, line: int = 1) -> Rule:
    return Rule(
        line=line, path=re.compile(path), methods=frozenset(methods or ["GET"]), scopes=()
    )


def line_of(rules: Rules, method: str, path: str) -> int | None:
    found = rules.find(method, path)
    return None if found is None else found[0].line


def test_the_first_rule_whose_path_and_method_are_the_requests_counts() -> None:
    rules = Rules(
        rules=(
            a_rule("/a/b", line=1),
            a_rule("/a/.*", "GET", "POST", line=2),
            a_rule("/a", line=3),
        )
    )
    assert line_of(rules, "GET", "/a/b") == 1
    assert line_of(rules, "POST", "/a/b") == 2
    assert line_of(rules, "GET", "/a") == 3


@pytest.mark.parametrize("path", ["/x/a", "/a/b", "/a\n", "/A", "a"])
def test_a_rule_is_for_the_whole_path(path: str) -> None:
    assert Rules(rules=(a_rule("/a"),)).find("GET", path) is None


ASK = Ask(
    action="read",
    resource="episode",
    resource_id=Value(source="path", name="id"),
    contexts=(("patient", Value(source="query", name="patient_id")),),
)


def test_a_question_takes_its_ids_from_path_and_query() -> None:
    assert question_of(ASK, {"id": str(ONE)}, [("patient_id", str(TWO))]) == Question(
        resource=Resource(type="episode", action="read", id=ONE),
        contexts=(Context(type="patient", id=TWO),),
    )


def test_a_question_may_need_no_id() -> None:
    ask = Ask(action="read", resource="episode")
    assert question_of(ask, {}, []) == Question(
        resource=Resource(type="episode", action="read"), contexts=()
    )


@pytest.mark.parametrize(
    ("captures", "query"),
    [
        ({}, [("patient_id", str(TWO))]),
        ({"id": ""}, [("patient_id", str(TWO))]),
        ({"id": "no-id"}, [("patient_id", str(TWO))]),
        ({"id": str(ONE)}, []),
        ({"id": str(ONE)}, [("patient_id", "no-id")]),
        ({"id": str(ONE)}, [("patient_id", str(ONE)), ("patient_id", str(TWO))]),
    ],
    ids=["no capture", "empty", "no UUID", "no argument", "no UUID there", "twice"],
)
def test_without_an_id_that_is_needed_nothing_is_asked(
    captures: dict[str, str], query: list[tuple[str, str]]
) -> None:
    assert question_of(ASK, captures, query) is None
