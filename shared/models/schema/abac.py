"""The tables of database `abac`, whose owner is abac-api: facts to decide by, and its outbox.

A fact is a row of its kind's table: what another system said last about one thing. `fact_at`
is the time of the event that said so. A withdrawn fact stays as a tombstone, without its
fields, so that an older event cannot revive it; indexes leave tombstones out.

No foreign keys: facts of different kinds come in any order.
"""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    MetaData,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from shared.models.schema.outbox import define_outbox

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

outbox, outbox_relays = define_outbox(metadata)

_LIVE = text("withdrawn_at IS NULL")


def _reference(name: str) -> Column[uuid.UUID]:
    return Column(name, UUID)


def _moment(name: str, *, nullable: bool = True) -> Column[datetime]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


def _facts(name: str, *fields: Column[Any], required: str, by: list[str]) -> Table:
    """A table of facts; each of `by` is an index on live facts, of columns by space."""
    whole = " AND ".join(f"{column} IS NOT NULL" for column in required.split())
    indexes = [
        Index(
            f"ix_{name}_{columns.replace(' ', '_')}",
            *columns.split(),
            postgresql_where=_LIVE,
        )
        for columns in by
    ]
    return Table(
        name,
        metadata,
        Column("id", UUID, primary_key=True),
        *fields,
        _moment("fact_at", nullable=False),
        Column(
            "event_id", UUID, nullable=False
        ),  # of two facts of one moment, the greater wins
        _moment("withdrawn_at"),
        CheckConstraint(f"withdrawn_at IS NOT NULL OR ({whole})", name="whole"),
        *indexes,
    )


employees = _facts(
    "employees",
    _reference("user_id"),
    _reference("legal_entity_id"),
    Column("is_active", Boolean),
    required="user_id legal_entity_id is_active",
    by=["user_id legal_entity_id"],
)

declarations = _facts(
    "declarations",
    _reference("patient_id"),
    _reference("employee_id"),
    _reference("legal_entity_id"),
    _moment("active_from"),
    _moment("active_to"),
    required="patient_id employee_id legal_entity_id active_from",
    by=["patient_id legal_entity_id"],
)

approvals = _facts(
    "approvals",
    _reference("patient_id"),
    _reference("granted_to_employee_id"),
    _reference("granted_to_legal_entity_id"),
    Column("resources", JSONB),  # [{"type": …, "id": …}]
    Column("access_level", Text),
    Column("status", Text),
    _moment("expires_at"),
    required="patient_id resources access_level status",
    by=["patient_id granted_to_employee_id", "patient_id granted_to_legal_entity_id"],
)

# Episodes, encounters, reports, plans: what is asked for, and what that refers to.
resources = _facts(
    "resources",
    Column("type", Text),
    _reference("patient_id"),
    _reference("episode_id"),
    _reference("managing_organization_id"),
    _reference("requester_legal_entity_id"),
    _reference("origin_episode_id"),
    _reference("encounter_id"),
    _reference("diagnostic_report_id"),
    _reference("care_plan_id"),
    _reference("composition_id"),
    required="type patient_id",
    by=[],
)

merged_persons = _facts(
    "merged_persons",
    _reference("master_person_id"),
    _reference("merged_person_id"),
    required="master_person_id merged_person_id",
    by=["master_person_id", "merged_person_id"],
)

justifications = _facts(
    "justifications",
    _reference("user_id"),
    _reference("patient_id"),
    _moment("active_from"),
    _moment("active_to"),
    required="user_id patient_id active_from",
    by=["user_id patient_id"],
)
