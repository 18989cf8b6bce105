"""Decide: a question, the facts that bear on it, the rules and the time in; a decision out."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import cedarpy
import orjson

from services.abac_api.domain.alike import form_of
from services.abac_api.domain.attributes import attributes_of, contradiction_in
from services.abac_api.domain.facts import Facts
from services.abac_api.domain.policies import Policies, number_of
from services.abac_api.domain.questions import Question
from services.abac_api.domain.slices import Slice
from services.abac_api.domain.verdicts import Decision, Reason, refused

_NO_ENTITIES = cedarpy.Entities.from_json_str("[]")
_MOST_KNOWN = 10_000  # forms of questions, of some 600 bytes each


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
        if rules is not None:
            requests = [_request(*asked[position], rules, now) for position in positions]
            for position, made in zip(
                positions, _ruled(requests, rules, policies), strict=True
            ):
                decisions[position] = made
    return [item or refused(Reason.NO_RULE_MATCHED) for item in decisions]


def _ruled(
    requests: Sequence[dict[str, Any]], rules: Slice, policies: Policies
) -> list[Decision]:
    """What the rules say to requests of one kind; Cedar is asked where none alike was."""
    if not rules.is_blind:
        return _asked_of_cedar(requests, rules)
    forms = [_form_of(request) for request in requests]
    new = {
        form: request
        for form, request in zip(forms, requests, strict=True)
        if form not in policies.known
    }
    made = dict(zip(new, _asked_of_cedar(list(new.values()), rules), strict=True))
    decisions = [made.get(form) or policies.known[form] for form in forms]
    if len(policies.known) + len(made) > _MOST_KNOWN:
        policies.known.clear()
    policies.known.update(made)
    return decisions


def _form_of(request: dict[str, Any]) -> tuple[str, str, bytes]:
    context = form_of(request["context"].encode())
    return request["action"]["id"], request["resource"]["id"], context


def _asked_of_cedar(requests: Sequence[dict[str, Any]], rules: Slice) -> list[Decision]:
    if not requests:
        return []
    answers = cedarpy.is_authorized_batch(list(requests), rules.policies, _NO_ENTITIES)
    return [_decision(answer) for answer in answers]


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
