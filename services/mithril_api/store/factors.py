"""SQL over second factors: one by SMS and one by app a user, and any number of passkeys."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Row,
    Select,
    Text,
    case,
    delete,
    func,
    literal,
    null,
    select,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.domain.factors import ActiveFactor, FactorId, FactorType
from services.mithril_api.store.paging import page_of
from shared.models.ids import UserId
from shared.models.schema.mithril import authentication_factors as f
from shared.models.schema.mithril import passkeys as p

_IS_READY = case(
    (f.c.type == FactorType.TOTP, f.c.secret_sealed.is_not(None)),
    else_=func.coalesce(f.c.factor, "") != "",
)
_every = union_all(
    select(
        f.c.id,
        f.c.type,
        f.c.factor,
        f.c.name,
        f.c.is_active,
        _IS_READY.label("is_ready"),
        f.c.user_id,
        f.c.last_used_at,
        f.c.inserted_at,
        f.c.updated_at,
    ),
    select(
        p.c.id,
        literal(FactorType.WEBAUTHN.value, Text),
        null(),
        p.c.name,
        p.c.is_active,
        p.c.credential_id.is_not(None),
        p.c.user_id,
        p.c.last_used_at,
        p.c.inserted_at,
        p.c.updated_at,
    ),
).subquery("every")


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """A second factor; one that is not ready has yet to be set up."""

    id: FactorId
    type: str
    factor: str | None = field(repr=False)
    name: str | None
    is_active: bool
    is_ready: bool
    user_id: UserId
    last_used_at: datetime | None
    inserted_at: datetime
    updated_at: datetime

    def as_active(self) -> ActiveFactor:
        """What a sign-in knows of it."""
        return ActiveFactor(
            id=self.id,
            kind=FactorType(self.type),
            number=self.factor,
            name=self.name,
            is_ready=self.is_ready,
        )


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
    query = _of_user(user_id)
    if kind is not None:
        query = query.where(_every.c.type == kind)
    if is_active is not None:
        query = query.where(_every.c.is_active == is_active)
    rows, total = await page_of(conn, query, number=number, size=size)
    return [factor_of(row) for row in rows], total


async def active_of(conn: AsyncConnection, user_id: UserId) -> list[Factor]:
    """All of a user's factors that count."""
    query = _of_user(user_id).where(_every.c.is_active)
    return [factor_of(row) for row in await conn.execute(query)]


async def by_id(
    conn: AsyncConnection, user_id: UserId, factor_id: FactorId
) -> Factor | None:
    """This factor, if it is this user's. Who changes it holds the user's row."""
    query = _of_user(user_id).where(_every.c.id == factor_id)
    row = (await conn.execute(query)).one_or_none()
    return None if row is None else factor_of(row)


async def by_kind(
    conn: AsyncConnection, user_id: UserId, kind: FactorType
) -> Factor | None:
    """The factor of a kind of which a user has one."""
    query = _of_user(user_id).where(_every.c.type == kind)
    row = (await conn.execute(query)).one_or_none()
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
    values = _columns(new_id, user_id, kind, {"factor": factor}, now)
    await conn.execute(f.insert().values(values))
    return await _again(conn, user_id, new_id)


async def add_or_change(
    conn: AsyncConnection,
    *,
    new_id: FactorId,
    user_id: UserId,
    kind: FactorType,
    values: Mapping[str, Any],
    now: datetime,
) -> tuple[Factor, bool]:
    """Give a user a factor, or give these columns to the one of the kind. True: it is new."""
    statement = (
        insert(f)
        .values(_columns(new_id, user_id, kind, values, now))
        .on_conflict_do_update(
            index_elements=["user_id", "type"], set_={**values, "updated_at": now}
        )
        .returning(f.c.id)
    )
    stored = FactorId((await conn.execute(statement)).scalar_one())
    return await _again(conn, user_id, stored), stored == new_id


async def set_active(
    conn: AsyncConnection, factor: Factor, *, is_active: bool, at: datetime
) -> Factor:
    """Let a factor count, or not. The caller holds the user's row."""
    return await _change(conn, factor, {"is_active": is_active}, at=at)


async def reset(conn: AsyncConnection, factor: Factor, *, at: datetime) -> Factor:
    """Forget what a factor is of: its user has to set up one anew."""
    emptied: dict[str, Any]
    if factor.type == FactorType.WEBAUTHN:
        emptied = {"credential_id": None, "public_key": None, "sign_count": 0}
    else:
        sealed = {"secret_sealed": None, "secret_sealed_at": None, "last_step": None}
        emptied = {"factor": None, **sealed}
    return await _change(conn, factor, emptied, at=at)


async def remove(conn: AsyncConnection, factor: Factor) -> None:
    """Delete a factor."""
    for table in (f, p):
        await conn.execute(delete(table).where(table.c.id == factor.id))


async def mark_used(conn: AsyncConnection, factor_id: FactorId, *, at: datetime) -> None:
    """Remember when a factor last completed a sign-in."""
    for table in (f, p):
        statement = update(table).where(table.c.id == factor_id)
        await conn.execute(statement.values(last_used_at=at))


def factor_of(row: Row[Any]) -> Factor:
    """A row of both tables' as a value."""
    return Factor(**row._mapping)  # noqa: SLF001 — public, despite its name


def _of_user(user_id: UserId) -> Select[Any]:
    mine = select(_every).where(_every.c.user_id == user_id)
    return mine.order_by(_every.c.inserted_at, _every.c.id)


async def _change(
    conn: AsyncConnection, factor: Factor, values: Mapping[str, Any], *, at: datetime
) -> Factor:
    table = p if factor.type == FactorType.WEBAUTHN else f
    statement = update(table).where(table.c.id == factor.id)
    await conn.execute(statement.values(**values, updated_at=at))
    return await _again(conn, factor.user_id, factor.id)


async def _again(conn: AsyncConnection, user_id: UserId, factor_id: FactorId) -> Factor:
    found = await by_id(conn, user_id, factor_id)
    assert found is not None  # noqa: S101 — this transaction wrote it
    return found


def _columns(
    new_id: FactorId, user_id: UserId, kind: str, values: Mapping[str, Any], now: datetime
) -> dict[str, Any]:
    return {
        "id": new_id,
        "type": kind,
        "is_active": True,
        "user_id": user_id,
        "inserted_at": now,
        "updated_at": now,
        **values,
    }
