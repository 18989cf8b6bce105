"""Decide: a question, the facts that bear on it, the rules and the time in; a decision out."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import cedarpy
import orjson

from services.abac_api.domain.attributes import attributes_of, contradiction_in
from services.abac_api.domain.facts import Facts
from services.abac_api.domain.policies import Policies, number_of
from services.abac_api.domain.questions import Question
from services.abac_api.domain.slices import Slice

_NO_ENTITIES = cedarpy.Entities.from_json_str("[]")


class Reason(StrEnum):
    """Why a question was refused."""

    NO_RULE_MATCHED = "no_rule_matched"
    UNKNOWN_RESOURCE_TYPE = "unknown_resource_type"
    FACTS_UNAVAILABLE = "facts_unavailable"
    MALFORMED_CONTEXT = "malformed_context"
    EVALUATION_ERROR = "evaluation_error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Permitted by the rules named, or refused for a reason."""

    result: bool
    rules: tuple[str, ...] = ()
    reason: Reason | None = None


def decide(
    question: Question, facts: Facts | None, policies: Policies, *, now: datetime
) -> Decision:
    """The decision of one question; without facts (they could not be had) it is a refusal."""
    return decide_many([(question, facts)], policies, now=now)[0]


def decide_many(
    asked: Sequence[tuple[Question, Facts | None]], policies: Policies, *, now: datetime
) -> list[Decision]:
    """The decisions of a batch, in order: each as it would have been alone."""
    decisions = [_refusal(question, facts, policies) for question, facts in asked]
    kinds: dict[tuple[str, str], list[int]] = defaultdict(list)
    for position, (question, _) in enumerate(asked):
        if decisions[position] is None:
            kinds[question.resource.action, question.resource.type].append(position)
    for (action, kind), positions in kinds.items():
        rules = policies.slice_of(action, kind)
        if rules is None:
            continue
        requests = [_request(*asked[position], rules, now) for position in positions]
        answers = cedarpy.is_authorized_batch(requests, rules.policies, _NO_ENTITIES)
        for position, answer in zip(positions, answers, strict=True):
            decisions[position] = _decision(answer)
    return [item or refused(Reason.NO_RULE_MATCHED) for item in decisions]


def refused(reason: Reason) -> Decision:
    """A refusal."""
    return Decision(result=False, reason=reason)


def _refusal(
    question: Question, facts: Facts | None, policies: Policies
) -> Decision | None:
    """What is refused before a rule is asked. First of all: is the type of resource known?"""
    if question.resource.type not in policies.resource_types:
        return refused(Reason.UNKNOWN_RESOURCE_TYPE)
    if question.is_malformed:
        return refused(Reason.MALFORMED_CONTEXT)
    if facts is None:
        return refused(Reason.FACTS_UNAVAILABLE)
    if contradiction_in(question, facts, policies.resource_types) is not None:
        return refused(Reason.MALFORMED_CONTEXT)
    return None


def request_of(
    question: Question, attributes: dict[str, Any], seen: dict[str, Any]
) -> dict[str, Any]:
    """A question as Cedar takes it, with what the rules asked have eyes for."""
    return {
        "principal": {"type": "User", "id": attributes["consumer"]["user"]},
        "action": {"type": "Action", "id": question.resource.action},
        "resource": {"type": "ResourceType", "id": question.resource.type},
        "context": orjson.dumps(seen).decode(),
    }


def _request(
    question: Question, facts: Facts | None, rules: Slice, now: datetime
) -> dict[str, Any]:
    attributes = attributes_of(question, facts or Facts(), now=now)
    return request_of(question, attributes, rules.seen_of(attributes))


def _decision(answer: cedarpy.AuthzResult) -> Decision:
    # A rule that failed might have forbidden, in a set with such rules: no permit beside it.
    if answer.diagnostics.errors or answer.decision is cedarpy.Decision.NoDecision:
        return refused(Reason.EVALUATION_ERROR)
    if not answer.allowed:
        return refused(Reason.NO_RULE_MATCHED)
    names = answer.diagnostics.id_annotations_by_reason.values()
    return Decision(result=True, rules=tuple(sorted(names, key=number_of)))
