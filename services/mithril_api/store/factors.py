"""SQL over authentication_factors: a user has one of a kind."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NewType
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.store.paging import page_of
from shared.models.ids import UserId
from shared.models.schema.mithril import authentication_factors as f

FactorId = NewType("FactorId", UUID)


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """A second factor; without a number it has yet to be set up."""

    id: FactorId
    type: str
    factor: str | None = field(repr=False)
    is_active: bool
    user_id: UserId
    inserted_at: datetime
    updated_at: datetime


async def page_of_user(
    conn: AsyncConnection,
    user_id: UserId,
    *,
    kind: str | None,
    is_active: bool | None,
    number: int,
    size: int,
) -> tuple[list[Factor], int]:
    """A page of a user's factors, and how many there are."""
    query = select(f).where(f.c.user_id == user_id).order_by(f.c.inserted_at, f.c.id)
    if kind is not None:
        query = query.where(f.c.type == kind)
    if is_active is not None:
        query = query.where(f.c.is_active == is_active)
    rows, total = await page_of(conn, query, number=number, size=size)
    return [factor_of(row) for row in rows], total


async def by_id(
    conn: AsyncConnection, user_id: UserId, factor_id: FactorId
) -> Factor | None:
    """This factor, if it is this user's."""
    query = select(f).where(f.c.id == factor_id, f.c.user_id == user_id)
    row = (await conn.execute(query)).one_or_none()
    return None if row is None else factor_of(row)


async def hold(
    conn: AsyncConnection, user_id: UserId, factor_id: FactorId
) -> Factor | None:
    """The same, its row held until the transaction ends: two changes take turns."""
    query = select(f).where(f.c.id == factor_id, f.c.user_id == user_id)
    row = (await conn.execute(query.with_for_update())).one_or_none()
    return None if row is None else factor_of(row)


async def add(
    conn: AsyncConnection,
    *,
    new_id: FactorId,
    user_id: UserId,
    kind: str,
    factor: str | None,
    now: datetime,
) -> Factor:
    """Give a user a factor. Raises IntegrityError where there is one of the kind."""
    statement = f.insert().values(_columns(new_id, user_id, kind, factor, now))
    return factor_of((await conn.execute(statement.returning(f))).one())


async def add_or_change(
    conn: AsyncConnection,
    *,
    new_id: FactorId,
    user_id: UserId,
    kind: str,
    factor: str,
    now: datetime,
) -> tuple[Factor, bool]:
    """Give a user a factor, or the one there is this number. True: it is new."""
    statement = (
        insert(f)
        .values(_columns(new_id, user_id, kind, factor, now))
        .on_conflict_do_update(
            index_elements=["user_id", "type"],
            set_={"factor": factor, "updated_at": now},
        )
    )
    stored = factor_of((await conn.execute(statement.returning(f))).one())
    return stored, stored.id == new_id


async def change(
    conn: AsyncConnection,
    factor_id: FactorId,
    values: Mapping[str, Any],
    *,
    at: datetime,
) -> Factor:
    """Set columns of a factor whose row the caller holds."""
    statement = f.update().where(f.c.id == factor_id).values(**values, updated_at=at)
    return factor_of((await conn.execute(statement.returning(f))).one())


def factor_of(row: Row[Any]) -> Factor:
    """A row of authentication_factors as a value."""
    return Factor(
        id=row.id,
        type=row.type,
        factor=row.factor,
        is_active=row.is_active,
        user_id=row.user_id,
        inserted_at=row.inserted_at,
        updated_at=row.updated_at,
    )


def _columns(
    new_id: FactorId, user_id: UserId, kind: str, factor: str | None, now: datetime
) -> dict[str, Any]:
    return {
        "id": new_id,
        "type": kind,
        "factor": factor,
        "is_active": True,
        "user_id": user_id,
        "inserted_at": now,
        "updated_at": now,
    }
