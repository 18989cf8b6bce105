"""One question: what is known that bears on a batch of access questions?"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.abac_api.domain.facts import (
    Approval,
    Declaration,
    Employee,
    Facts,
    Grant,
    Justification,
    ResourceFact,
)
from services.abac_api.domain.questions import Question
from services.abac_api.store import sql
from shared.runtime.postgres import driver_of
from shared.wire.casting import uuid_of

STATEMENT = sql.load("facts_for")
_PATIENT = frozenset({"patient", "person"})


async def facts_for(conn: AsyncConnection, questions: Sequence[Question]) -> list[Facts]:
    """Facts of each question, in the order asked: one statement for the whole batch.

    Who the patient is, is said by the contexts, by the resource asked for and by the
    resources of contexts, all of which must agree; see `Facts.patients`. Times and statuses
    are as told: what is active is for the rules to judge.
    """
    rows = await driver_of(conn).fetch(STATEMENT, *arguments(questions))
    return [_facts(row) for row in rows]


def arguments(questions: Sequence[Question]) -> tuple[list[object], ...]:
    """The four arrays that the statement takes."""
    return (
        [item.consumer.user_id for item in questions],
        [item.consumer.client_id for item in questions],
        [_literal(_named(item, patients=True)) for item in questions],
        [_literal(_named(item, patients=False)) for item in questions],
    )


def _named(question: Question, *, patients: bool) -> Iterable[UUID]:
    things = [(item.type, item.id) for item in question.contexts]
    if question.resource.id is not None:
        things.append((question.resource.type, question.resource.id))
    return (thing for kind, thing in things if (kind in _PATIENT) is patients)


def _literal(ids: Iterable[UUID]) -> str:
    return "{" + ",".join(str(item) for item in ids) + "}"


def _facts(row: Mapping[str, Any]) -> Facts:
    return Facts(
        patients=frozenset(row["patients"]),
        employees=tuple(_employee(item) for item in _items(row["employees"])),
        declarations=tuple(_declaration(item) for item in _items(row["declarations"])),
        approvals=tuple(_approval(item) for item in _items(row["approvals"])),
        resources={fact.id: fact for fact in map(_resource, _items(row["resources"]))},
        justifications=tuple(
            _justification(item) for item in _items(row["justifications"])
        ),
    )


def _items(found: list[list[Any]] | None) -> list[list[Any]]:
    return found or []  # the aggregate of no rows is none


def _id(text: str | None) -> UUID | None:
    return None if text is None else uuid_of(text)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _employee(item: list[Any]) -> Employee:
    thing, user, legal_entity, is_active = item
    return Employee(
        id=uuid_of(thing),
        user_id=uuid_of(user),
        legal_entity_id=uuid_of(legal_entity),
        is_active=is_active,
    )


def _declaration(item: list[Any]) -> Declaration:
    thing, patient, employee, legal_entity, since, until = item
    return Declaration(
        id=uuid_of(thing),
        patient_id=uuid_of(patient),
        employee_id=uuid_of(employee),
        legal_entity_id=uuid_of(legal_entity),
        active_from=datetime.fromisoformat(since),
        active_to=_moment(until),
    )


def _approval(item: list[Any]) -> Approval:
    thing, patient, employee, legal_entity, grants, level, status, until = item
    return Approval(
        id=uuid_of(thing),
        patient_id=uuid_of(patient),
        granted_to_employee_id=_id(employee),
        granted_to_legal_entity_id=_id(legal_entity),
        resources=tuple(
            Grant(type=each["type"], id=uuid_of(each["id"])) for each in grants
        ),
        access_level=level,
        status=status,
        expires_at=_moment(until),
    )


def _resource(item: list[Any]) -> ResourceFact:
    thing, kind, patient, episode, organization, requester, origin, *rest = item
    encounter, report, plan, composition = rest
    return ResourceFact(
        id=uuid_of(thing),
        type=kind,
        patient_id=uuid_of(patient),
        episode_id=_id(episode),
        managing_organization_id=_id(organization),
        requester_legal_entity_id=_id(requester),
        origin_episode_id=_id(origin),
        encounter_id=_id(encounter),
        diagnostic_report_id=_id(report),
        care_plan_id=_id(plan),
        composition_id=_id(composition),
    )


def _justification(item: list[Any]) -> Justification:
    thing, user, patient, since, until = item
    return Justification(
        id=uuid_of(thing),
        user_id=uuid_of(user),
        patient_id=uuid_of(patient),
        active_from=datetime.fromisoformat(since),
        active_to=_moment(until),
    )
