"""SQL over client_types and roles, which have one shape; and over who has which role."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Table, cast, select
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.domain.scope_limits import Kind, ScopeLimit, ScopeLimitChange
from services.mithril_api.store.paging import page_of
from shared.models.ids import ClientId, UserId
from shared.models.schema import mithril as tables

_TABLES: dict[Kind, Table] = {
    Kind.CLIENT_TYPE: tables.client_types,
    Kind.ROLE: tables.roles,
}


async def listed(
    conn: AsyncConnection,
    kind: Kind,
    *,
    name: str | None,
    scope: Sequence[str],
    number: int,
    size: int,
) -> tuple[list[ScopeLimit], int]:
    """A page of those with this name and any of these scopes; oldest first."""
    table = _TABLES[kind]
    query = select(table).order_by(table.c.inserted_at, table.c.id)
    if name is not None:
        query = query.where(table.c.name == name)
    if scope:
        any_of = cast(list(scope), ARRAY(TEXT))
        query = query.where(table.c.scope.overlap(any_of))
    rows, total = await page_of(conn, query, number=number, size=size)
    return [_limit(row) for row in rows], total


async def by_id(conn: AsyncConnection, kind: Kind, limit_id: UUID) -> ScopeLimit | None:
    """One of them."""
    table = _TABLES[kind]
    row = (await conn.execute(select(table).where(table.c.id == limit_id))).one_or_none()
    return None if row is None else _limit(row)


async def add(
    conn: AsyncConnection, kind: Kind, limit: ScopeLimit, *, at: datetime
) -> None:
    """Insert one; its name is unique, or the statement fails."""
    statement = (
        _TABLES[kind]
        .insert()
        .values(
            id=limit.id,
            name=limit.name,
            scope=list(limit.scope),
            inserted_at=at,
            updated_at=at,
        )
    )
    await conn.execute(statement)


async def change(
    conn: AsyncConnection,
    kind: Kind,
    limit_id: UUID,
    changes: ScopeLimitChange,
    *,
    at: datetime,
) -> ScopeLimit | None:
    """Change what is asked, in one statement. None: there is no such row."""
    table = _TABLES[kind]
    values: dict[str, Any] = {"updated_at": at}
    if changes.name is not None:
        values["name"] = changes.name
    if changes.scope is not None:
        values["scope"] = list(changes.scope)
    statement = table.update().where(table.c.id == limit_id).values(values).returning(table)
    row = (await conn.execute(statement)).one_or_none()
    return None if row is None else _limit(row)


async def remove(conn: AsyncConnection, kind: Kind, limit_id: UUID) -> ScopeLimit | None:
    """Delete one and return what it was; a client type that a client has stays."""
    table = _TABLES[kind]
    statement = table.delete().where(table.c.id == limit_id).returning(table)
    row = (await conn.execute(statement)).one_or_none()
    return None if row is None else _limit(row)


async def roles_of(
    conn: AsyncConnection, user_id: UserId, client_id: ClientId | None
) -> list[ScopeLimit]:
    """The roles of a user in one client."""
    r, ur = tables.roles, tables.user_roles
    query = (
        select(r)
        .join(ur, ur.c.role_id == r.c.id)
        .where(ur.c.user_id == user_id, ur.c.client_id == client_id)
        .order_by(ur.c.inserted_at, ur.c.id)
    )
    return [_limit(row) for row in await conn.execute(query)]


async def global_roles_of(conn: AsyncConnection, user_id: UserId) -> list[ScopeLimit]:
    """The roles that a user has everywhere."""
    r, gr = tables.roles, tables.global_user_roles
    query = (
        select(r)
        .join(gr, gr.c.role_id == r.c.id)
        .where(gr.c.user_id == user_id)
        .order_by(gr.c.inserted_at, gr.c.id)
    )
    return [_limit(row) for row in await conn.execute(query)]


def _limit(row: Row[Any]) -> ScopeLimit:
    return ScopeLimit(id=row.id, name=row.name, scope=tuple(row.scope))
