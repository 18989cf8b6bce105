"""SQL over facts: a table a kind, a row a thing, the last writer by event time in it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from services.abac_api.domain.facts import (
    Approval,
    Declaration,
    Employee,
    Grant,
    Justification,
    MergedPerson,
    ResourceFact,
)
from services.abac_api.domain.told import Fact, Kind, Told, latest_of
from shared.models.schema import abac as tables
from shared.runtime.postgres import driver_of


@dataclass(frozen=True, slots=True)
class _Store:
    """How a kind is stored: its columns are the fields of its dataclass, the id first."""

    table: Table
    make: type[Fact]
    columns: tuple[str, ...]


def _store(table: Table, make: type[Fact]) -> _Store:
    return _Store(table, make, tuple(field.name for field in fields(make)))


_STORES: Mapping[Kind, _Store] = {
    Kind.EMPLOYEE: _store(tables.employees, Employee),
    Kind.DECLARATION: _store(tables.declarations, Declaration),
    Kind.APPROVAL: _store(tables.approvals, Approval),
    Kind.RESOURCE: _store(tables.resources, ResourceFact),
    Kind.MERGED_PERSON: _store(tables.merged_persons, MergedPerson),
    Kind.JUSTIFICATION: _store(tables.justifications, Justification),
}


def columns_of(kind: Kind) -> tuple[str, ...]:
    """The fields of a kind, the id first."""
    return _STORES[kind].columns


async def upsert_many(conn: AsyncConnection, told: Sequence[Told]) -> list[bool]:
    """Believe what is later than what is held; which were, in the order given.

    A statement a kind. Rows are locked in order of kind and id, so two batches wait for one
    another instead of deadlocking. See `latest_of` for what counts as later; what is already
    held is not later than itself, so anything may come any number of times.
    """
    by_kind: dict[Kind, list[Told]] = defaultdict(list)
    for item in latest_of(told):
        by_kind[item.kind].append(item)
    driver, written = driver_of(conn), set()
    for kind in Kind:
        if batch := by_kind.get(kind):
            rows = await driver.fetch(_UPSERTS[kind], *_arrays(_STORES[kind], batch))
            written |= {(kind, row["event_id"]) for row in rows}
    return [(item.kind, item.event_id) in written for item in told]


async def withdraw(conn: AsyncConnection, told: Told) -> bool:
    """Leave a tombstone, unless something later is held; whether it was left."""
    if told.fact is not None:
        raise ValueError("a withdrawal has no fact")
    return (await upsert_many(conn, [told]))[0]


async def find(conn: AsyncConnection, kind: Kind, thing: UUID) -> Told | None:
    """What is held of a thing, tombstones too."""
    store = _STORES[kind]
    names = ", ".join([*store.columns, "fact_at", "event_id", "withdrawn_at"])
    query = f"SELECT {names} FROM {store.table.name} WHERE id = $1"  # noqa: S608 — names of ours
    row = await driver_of(conn).fetchrow(query, thing)
    if row is None:
        return None
    return Told(
        kind=kind,
        id=thing,
        at=row["fact_at"],
        event_id=row["event_id"],
        fact=None if row["withdrawn_at"] is not None else _fact(store, row),
    )


def _fact(store: _Store, row: Mapping[str, Any]) -> Fact:
    values = {name: row[name] for name in store.columns}
    if store.make is Approval:
        values["resources"] = tuple(
            Grant(type=item["type"], id=UUID(item["id"])) for item in values["resources"]
        )
    return store.make(**values)


def _arrays(store: _Store, batch: Sequence[Told]) -> list[list[Any]]:
    ordered = sorted(batch, key=lambda item: item.id.int)
    return [
        [item.id for item in ordered],
        *([_value(item.fact, name) for item in ordered] for name in store.columns[1:]),
        [item.at for item in ordered],
        [item.event_id for item in ordered],
        [item.at if item.fact is None else None for item in ordered],
    ]


def _value(fact: Fact | None, name: str) -> Any:
    value = None if fact is None else getattr(fact, name)
    if isinstance(value, tuple):  # of grants
        made = [{"type": grant.type, "id": str(grant.id)} for grant in value]
        return orjson.dumps(made).decode()
    return value


def _upsert(store: _Store) -> str:
    """A tombstone has no fields, so the same statement writes both."""
    table = store.table
    names = [*store.columns, "fact_at", "event_id", "withdrawn_at"]
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    types = [table.c[name].type.compile(dialect) for name in names]
    arrays = ", ".join(
        f"${number}::{'TEXT' if kind == 'JSONB' else kind}[]"
        for number, kind in enumerate(types, 1)
    )
    chosen = ", ".join(
        f"{name}::jsonb" if kind == "JSONB" else name
        for name, kind in zip(names, types, strict=True)
    )
    changes = ", ".join(f"{name} = excluded.{name}" for name in names if name != "id")
    return f"""
INSERT INTO {table.name} AS held ({", ".join(names)})
SELECT {chosen} FROM unnest({arrays}) AS told ({", ".join(names)}) ORDER BY id
ON CONFLICT (id) DO UPDATE SET {changes}
WHERE (excluded.fact_at, excluded.withdrawn_at IS NOT NULL, excluded.event_id)
    > (held.fact_at, held.withdrawn_at IS NOT NULL, held.event_id)
RETURNING event_id
"""  # noqa: S608 — names of ours


_UPSERTS: Mapping[Kind, str] = {kind: _upsert(store) for kind, store in _STORES.items()}
