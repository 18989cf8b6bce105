"""SQL over global_user_roles: what a user may do in every client."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NewType
from uuid import UUID

from sqlalchemy import Row, Select, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.models.ids import RoleId, UserId
from shared.models.schema.mithril import global_user_roles as g
from shared.models.schema.mithril import roles as r

GlobalUserRoleId = NewType("GlobalUserRoleId", UUID)


@dataclass(frozen=True, slots=True, kw_only=True)
class GlobalUserRole:
    """A role that a user has everywhere, beside what it is called and holds."""

    id: GlobalUserRoleId
    user_id: UserId
    role_id: RoleId
    role_name: str
    scope: tuple[str, ...]
    inserted_at: datetime
    updated_at: datetime


async def grant(
    conn: AsyncConnection,
    *,
    new_id: GlobalUserRoleId,
    user_id: UserId,
    role_id: RoleId,
    now: datetime,
) -> GlobalUserRole:
    """Give a user a role everywhere; one that is given already is answered as it is stored.

    The update changes nothing: it makes the statement wait for a withdrawal under way, and
    return a row in either case.
    """
    statement = (
        insert(g)
        .values(
            id=new_id, user_id=user_id, role_id=role_id, inserted_at=now, updated_at=now
        )
        .on_conflict_do_update(
            index_elements=["user_id", "role_id"], set_={"role_id": role_id}
        )
    )
    stored = (await conn.execute(statement.returning(g.c.id))).scalar_one()
    return _granted((await conn.execute(_named().where(g.c.id == stored))).one())


async def of_user(conn: AsyncConnection, user_id: UserId) -> list[GlobalUserRole]:
    """All that a user has."""
    query = _named().where(g.c.user_id == user_id).order_by(g.c.inserted_at, g.c.id)
    return [_granted(row) for row in await conn.execute(query)]


async def by_id(
    conn: AsyncConnection, user_id: UserId, granted_id: GlobalUserRoleId
) -> GlobalUserRole | None:
    """This one, if it is this user's."""
    query = _named().where(g.c.id == granted_id, g.c.user_id == user_id)
    row = (await conn.execute(query)).one_or_none()
    return None if row is None else _granted(row)


async def remove(
    conn: AsyncConnection, user_id: UserId, granted_id: GlobalUserRoleId
) -> RoleId | None:
    """Take this one away, if it is this user's. Returns which role it was."""
    statement = g.delete().where(g.c.id == granted_id, g.c.user_id == user_id)
    found = (await conn.execute(statement.returning(g.c.role_id))).scalar_one_or_none()
    return None if found is None else RoleId(found)


def _named() -> Select[Any]:
    return select(g, r.c.name.label("role_name"), r.c.scope).join(r, r.c.id == g.c.role_id)


def _granted(row: Row[Any]) -> GlobalUserRole:
    return GlobalUserRole(
        id=row.id,
        user_id=row.user_id,
        role_id=row.role_id,
        role_name=row.role_name,
        scope=tuple(row.scope),
        inserted_at=row.inserted_at,
        updated_at=row.updated_at,
    )
