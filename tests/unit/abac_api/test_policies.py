"""A set of policies is checked before it may decide anything."""

import pytest

from services.abac_api.domain.policies import SCHEMA, PolicyError, compiled
from services.abac_api.store.policies import read

OURS = read()
RULE = '@id("rule_1")\npermit (principal, action == Action::"read", resource)'


def test_our_rules_are_the_published_ones_in_their_order() -> None:
    numbers = [-2, -1, *range(9), 10, 11, 12, 13, 18]

    assert list(compiled(OURS).rules) == [f"rule_{number}" for number in numbers]


@pytest.mark.parametrize(
    ("files", "error"),
    [
        ({"rule_1.cedar": "permit (principal"}, "rule_1.cedar: "),
        ({"rule_1.cedar": RULE.replace("rule_1", "rule_2") + ";"}, "needs the annotation"),
        ({"rule_1.cedar": "permit (principal, action, resource);"}, "needs the annotation"),
        ({"rule_1.cedar": f"{RULE};\n{RULE};"}, "holds 2 policies"),
        ({"rule_1.cedar": "// nothing"}, "holds 0 policies"),
        ({"first.cedar": RULE + ";"}, "first.cedar: a rule is named"),
        (
            {"rule_1.cedar": RULE + '\nwhen { resource == ResourceType::"encountr" };'},
            "encountr",
        ),
        (
            {"rule_1.cedar": RULE + '\nwhen { context.patient.id == "x" };'},
            "rule_1.cedar: ",
        ),
        ({"rule_1.cedar": RULE + "\nwhen { context.salary > 1 };"}, "salary"),
        ({}, "there is no policy"),
    ],
)
def test_what_is_wrong_with_a_policy_is_said_with_its_file(
    files: dict[str, str], error: str
) -> None:
    with pytest.raises(PolicyError) as refused:
        compiled({SCHEMA: OURS[SCHEMA], **files})

    assert any(error in line for line in refused.value.errors), refused.value.errors


@pytest.mark.parametrize("schema", [None, "entity User;", "entity {"])
def test_without_types_of_resource_there_is_nothing_to_decide(schema: str | None) -> None:
    files = {} if schema is None else {SCHEMA: schema}

    with pytest.raises(PolicyError, match=r"schema\.cedarschema"):
        compiled({"rule_1.cedar": RULE + ";", **files})


@pytest.mark.parametrize("changed", ["rule_4.cedar", SCHEMA])
def test_the_version_changes_with_any_file(changed: str) -> None:
    other = {**OURS, changed: OURS[changed] + "\n// changed\n"}

    assert compiled(OURS).version == compiled(dict(reversed(OURS.items()))).version
    assert compiled(other).version != compiled(OURS).version
