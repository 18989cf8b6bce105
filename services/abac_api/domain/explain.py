"""Why every rule did or did not apply to a question: its conditions, one by one."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import cedarpy
import orjson

from services.abac_api.domain.attributes import attributes_of, contradiction_in
from services.abac_api.domain.decide import decide, request_of
from services.abac_api.domain.expressions import looks_of
from services.abac_api.domain.facts import Facts
from services.abac_api.domain.policies import Policies, parsed_rule
from services.abac_api.domain.questions import Question
from services.abac_api.domain.verdicts import Decision

_NO_ENTITIES = cedarpy.Entities.from_json_str("[]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One condition of a rule, whether it holds, and what it looked at (`None`: not known)."""

    text: str
    holds: bool
    looked_at: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """A rule, whether it applies, and its conditions in order."""

    rule: str
    applies: bool
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A decision with everything that led to it."""

    decision: Decision
    contradiction: str | None  # what about the question cannot be so
    attributes: dict[str, Any]
    rules: tuple[Explained, ...]


def explain(
    question: Question, facts: Facts, policies: Policies, *, now: datetime
) -> Explanation:
    """The decision, and of every rule why it did or did not apply."""
    attributes = attributes_of(question, facts, now=now)
    contradiction = contradiction_in(question, facts, policies.resource_types)
    return Explanation(
        decision=decide(question, facts, policies, now=now),
        contradiction=None if contradiction is None else contradiction.what,
        attributes=attributes,
        rules=tuple(
            _explained(rule, text, question, attributes)
            for rule, text in policies.rules.items()
        ),
    )


def _explained(
    rule: str, text: str, question: Question, attributes: dict[str, Any]
) -> Explained:
    policy = parsed_rule(text)
    action = policy["action"]
    conditions = []
    if action["op"] == "==":
        wanted = action["entity"]["id"]
        conditions.append(
            Condition(
                text=f'action == "{wanted}"',
                holds=question.resource.action == wanted,
                looked_at={"action": question.resource.action},
            )
        )
    request = request_of(question, attributes, attributes)
    conditions += [
        _condition(each, request, question, attributes) for each in policy["conditions"]
    ]
    return Explained(
        rule=rule,
        applies=all(each.holds for each in conditions),
        conditions=tuple(conditions),
    )


def _condition(
    condition: dict[str, Any],
    request: dict[str, Any],
    question: Question,
    attributes: dict[str, Any],
) -> Condition:
    alone = _policy_of(condition)
    # A condition on something that is not known cannot be evaluated alone: it does not hold.
    answer = cedarpy.is_authorized(request, alone, _NO_ENTITIES)
    seen: dict[str, Any] = {}
    for path in dict.fromkeys(look.path for look in looks_of(condition["body"])):
        seen[".".join(path)] = _value(path, question, attributes)
    return Condition(text=_text_of(alone), holds=answer.allowed, looked_at=seen)


def _policy_of(condition: dict[str, Any]) -> str:
    everybody = {"op": "All"}
    policy = {
        "effect": "permit",
        "principal": everybody,
        "action": everybody,
        "resource": everybody,
        "conditions": [condition],
    }
    made = {"staticPolicies": {"p": policy}, "templates": {}, "templateLinks": []}
    return cedarpy.policies_from_json_str(orjson.dumps(made).decode())


def _text_of(policy: str) -> str:
    """The condition alone, on one line, without the names of entity types that all share."""
    line = " ".join(policy.split())
    _, _, rest = line.partition("when {")
    return rest.rstrip(" ;}").strip().replace("ResourceType::", "")


def _value(path: tuple[str, ...], question: Question, attributes: dict[str, Any]) -> Any:
    """What is at a path; `None` where nothing is known."""
    match path:
        case ("resource",):
            return question.resource.type
        case ("context", *rest):
            found: Any = attributes
            for name in rest:
                found = found.get(name) if isinstance(found, dict) else None
            return found
        case _:
            return None
