"""From facts to what a rule may speak of (`policies/schema.cedarschema`); no rule is here.

What is active is seen to here, since a policy has no clock; who may do what is not.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.abac_api.domain.facts import Approval, Facts, ResourceFact
from services.abac_api.domain.questions import Question, type_of

PLACES = (
    "episode",
    "origin_episode",
    "encounter",
    "diagnostic_report",
    "care_plan",
    "composition",
)
_READ = frozenset({"read", "write"})  # who may write may read
_WRITE = frozenset({"write"})
_SEARCHES = ("managing_organization", "requester_legal_entity")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """What is asked does not fit together, or does not fit what is known."""

    what: str


def contradiction_in(
    question: Question, facts: Facts, types: frozenset[str]
) -> Contradiction | None:
    """The first thing about a question that cannot be so."""
    seen: dict[str, UUID] = {}
    for context in question.contexts:
        if context.type not in types | {"patient", *PLACES, *_SEARCHES}:
            return Contradiction(what=f"context type `{context.type}` is unknown")
        if seen.setdefault(context.type, context.id) != context.id:
            return Contradiction(what=f"two contexts of type `{context.type}`")
        fact = facts.resources.get(context.id)
        kind = context.type.removeprefix("origin_")
        if fact is not None and kind != type_of(fact.type):
            return Contradiction(what=f"the {context.type} is of another type")
    asked = _asked_fact(question, facts)
    if asked is not None and type_of(asked.type) != question.resource.type:
        return Contradiction(what="the resource is of another type")
    return _misplaced(facts, seen, asked) or _strangers(question, facts, seen, asked)


def _misplaced(
    facts: Facts, seen: dict[str, UUID], asked: ResourceFact | None
) -> Contradiction | None:
    """Whether something is known to be elsewhere than the contexts say."""
    nested = [
        _fact_of(seen.get(kind), facts) for kind in ("encounter", "diagnostic_report")
    ]
    looked_at = [(asked, PLACES), *((fact, ("episode", "encounter")) for fact in nested)]
    for fact, places in looked_at:
        if fact is None:
            continue
        for place in places:
            known, named = _known_place(fact, place, facts), seen.get(place)
            if place != fact.type and None not in (known, named) and known != named:
                return Contradiction(what=f"the {fact.type} is in another {place}")
    return None


def _strangers(
    question: Question, facts: Facts, seen: dict[str, UUID], asked: ResourceFact | None
) -> Contradiction | None:
    """Whether one patient's context is mixed with another's data."""
    owners = {} if asked is None else {question.resource.type: asked.patient_id}
    for kind, id_ in seen.items():
        fact = facts.resources.get(id_)
        if fact is not None:
            owners[kind] = fact.patient_id
    patient = seen.get("patient") or next(iter(owners.values()), None)
    for kind, owner in owners.items():
        if owner != patient and not {owner, patient} <= facts.patients:
            return Contradiction(what=f"the {kind} is of another patient")
    return None


def known_patient(question: Question, facts: Facts) -> UUID | None:
    """Whose data these are, by what is known of the resource and of its contexts."""
    asked = _asked_fact(question, facts)
    if asked is not None:
        return asked.patient_id
    for kind in PLACES:
        fact = _fact_of(question.context(kind), facts)
        if fact is not None:
            return fact.patient_id
    return None


def attributes_of(question: Question, facts: Facts, *, now: datetime) -> dict[str, Any]:
    """The record `Question` of the schema. What is not known is not in it."""
    consumer = _consumer(question, facts)
    # Whose the record is counts, where it is known; merged persons are the patient's relatives.
    patient = known_patient(question, facts) or question.context("patient")
    persons = facts.patients if patient is None else facts.patients | {patient}
    approvals = [
        item
        for item in facts.approvals
        if _active(item, now) and item.patient_id in persons
    ]
    made: dict[str, Any] = {"consumer": consumer, "asked": _asked(question, facts)}
    if patient is not None:
        made["patient"] = {
            "id": str(patient),
            "declared_to": _declared_to(question, persons, facts, now),
            "justified_to": _justified_to(patient, facts, now),
            "read_approved_to": _granted(approvals, "patient", persons, _READ),
        }
    for kind in PLACES:
        id_ = _place_of(kind, question, facts)
        if id_ is not None:
            made[kind] = _place(kind, id_, facts, approvals)
    return made


def _consumer(question: Question, facts: Facts) -> dict[str, Any]:
    consumer = question.consumer
    employees = [
        str(item.id)
        for item in facts.employees
        if item.is_active
        and item.user_id == consumer.user_id
        and item.legal_entity_id == consumer.client_id
    ]
    legal_entity = str(consumer.client_id)
    made: dict[str, Any] = {
        "user": str(consumer.user_id),
        "legal_entity": legal_entity,
        "employees": employees,
        "grantees": [*employees, legal_entity] if employees else [],
    }
    client_type = (consumer.client_type or "").strip().upper()
    if client_type:
        made["client_type"] = client_type
    if consumer.person_id is not None:
        made["person"] = str(consumer.person_id)
    return made


def _asked(question: Question, facts: Facts) -> dict[str, str]:
    """By its id what is known of it; a search by its parameters."""
    if question.resource.id is None:
        found = {kind: question.context(kind) for kind in _SEARCHES}
    else:
        fact = _asked_fact(question, facts)
        if fact is None:
            return {}
        found = {
            "managing_organization": fact.managing_organization_id,
            "requester_legal_entity": fact.requester_legal_entity_id,
        }
    return {kind: str(id_) for kind, id_ in found.items() if id_ is not None}


def _declared_to(
    question: Question, persons: frozenset[UUID], facts: Facts, now: datetime
) -> list[str]:
    found = {
        str(item.employee_id)
        for item in facts.declarations
        if item.patient_id in persons
        and item.legal_entity_id == question.consumer.client_id
        and _within(item.active_from, item.active_to, now)
    }
    return sorted(found)


def _justified_to(patient: UUID, facts: Facts, now: datetime) -> list[str]:
    found = {
        str(item.user_id)
        for item in facts.justifications
        if item.patient_id == patient and _within(item.active_from, item.active_to, now)
    }
    return sorted(found)


def _place(kind: str, id_: UUID, facts: Facts, approvals: list[Approval]) -> dict[str, Any]:
    granted = "episode" if kind == "origin_episode" else kind
    made: dict[str, Any] = {
        "id": str(id_),
        "read_approved_to": _granted(approvals, granted, {id_}, _READ),
        "write_approved_to": _granted(approvals, granted, {id_}, _WRITE),
    }
    fact = facts.resources.get(id_)
    if fact is None:
        return made
    if fact.managing_organization_id is not None:
        made["managing_organization"] = str(fact.managing_organization_id)
    origin = _fact_of(fact.origin_episode_id, facts)
    if origin is not None and origin.managing_organization_id is not None:
        made["origin_organization"] = str(origin.managing_organization_id)
    return made


def _place_of(kind: str, question: Question, facts: Facts) -> UUID | None:
    """The place where the question stands: the resource itself, its known place, or the URL's."""
    if question.resource.type == kind and question.resource.id is not None:
        return question.resource.id
    asked = _asked_fact(question, facts)
    known = None if asked is None else _known_place(asked, kind, facts)
    named = known or question.context(kind)
    if named is None and kind == "episode":
        encounter = _fact_of(question.context("encounter"), facts)
        return None if encounter is None else encounter.episode_id
    return named


def _known_place(fact: ResourceFact, kind: str, facts: Facts) -> UUID | None:
    if kind == "episode" and fact.episode_id is None:
        encounter = _fact_of(fact.encounter_id, facts)
        return None if encounter is None else encounter.episode_id
    found: UUID | None = getattr(fact, f"{kind}_id")
    return found


def _asked_fact(question: Question, facts: Facts) -> ResourceFact | None:
    return _fact_of(question.resource.id, facts)


def _fact_of(id_: UUID | None, facts: Facts) -> ResourceFact | None:
    return None if id_ is None else facts.resources.get(id_)


def _granted(
    approvals: list[Approval], kind: str, ids: Iterable[UUID], levels: frozenset[str]
) -> list[str]:
    wanted = frozenset(ids)
    holders = {
        holder
        for item in approvals
        if item.access_level in levels
        and any(type_of(g.type) == kind and g.id in wanted for g in item.resources)
        for holder in (item.granted_to_employee_id, item.granted_to_legal_entity_id)
        if holder is not None
    }
    return sorted(map(str, holders))


def _active(approval: Approval, now: datetime) -> bool:
    ends = approval.expires_at
    return approval.status == "active" and (ends is None or now < ends)


def _within(starts: datetime, ends: datetime | None, now: datetime) -> bool:
    """From the first instant on, until just before the last."""
    return starts <= now and (ends is None or now < ends)
