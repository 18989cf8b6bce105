"""Facts that tests tell, valid by default."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from services.abac_api.domain.facts import (
    Approval,
    Declaration,
    Employee,
    Grant,
    Justification,
    MergedPerson,
    ResourceFact,
)
from services.abac_api.domain.told import Fact, Kind, Told

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=1)
EARLIER = NOON - timedelta(minutes=1)

_KINDS: dict[type[Fact], Kind] = {
    Employee: Kind.EMPLOYEE,
    Declaration: Kind.DECLARATION,
    Approval: Kind.APPROVAL,
    ResourceFact: Kind.RESOURCE,
    MergedPerson: Kind.MERGED_PERSON,
    Justification: Kind.JUSTIFICATION,
}


def an_employee(**but: Any) -> Employee:
    values = {"id": uuid4(), "user_id": uuid4(), "legal_entity_id": uuid4()}
    return Employee(**{**values, "is_active": True, **but})


def a_declaration(**but: Any) -> Declaration:
    ids = ("id", "patient_id", "employee_id", "legal_entity_id")
    values = {name: uuid4() for name in ids}
    return Declaration(**{**values, "active_from": NOON, "active_to": None, **but})


def an_approval(**but: Any) -> Approval:
    values: dict[str, Any] = {
        "id": uuid4(),
        "patient_id": uuid4(),
        "granted_to_employee_id": None,
        "granted_to_legal_entity_id": None,
        "resources": (Grant(type="episode", id=uuid4()),),
        "access_level": "read",
        "status": "active",
        "expires_at": LATER,
    }
    return Approval(**{**values, **but})


def a_resource(**but: Any) -> ResourceFact:
    values = {"id": uuid4(), "type": "episode", "patient_id": uuid4()}
    return ResourceFact(**{**values, **but})


def a_merge(master: UUID, merged: UUID) -> MergedPerson:
    return MergedPerson(id=uuid4(), master_person_id=master, merged_person_id=merged)


def a_justification(**but: Any) -> Justification:
    values = {"id": uuid4(), "user_id": uuid4(), "patient_id": uuid4()}
    return Justification(**{**values, "active_from": NOON, "active_to": LATER, **but})


def told(fact: Fact, *, at: datetime = NOON, event_id: UUID | None = None) -> Told:
    kind = _KINDS[type(fact)]
    return Told(kind=kind, id=fact.id, at=at, event_id=event_id or uuid4(), fact=fact)


def withdrawn(fact: Fact, *, at: datetime = NOON) -> Told:
    return replace(told(fact, at=at), fact=None)
