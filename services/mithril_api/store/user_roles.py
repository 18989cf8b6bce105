"""SQL over user_roles: what a user may do in a client."""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, NewType
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.models.ids import ClientId, RoleId, UserId
from shared.models.schema.mithril import clients as c
from shared.models.schema.mithril import roles as r
from shared.models.schema.mithril import user_roles as ur

UserRoleId = NewType("UserRoleId", UUID)


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRole:
    """A role that a user has in a client."""

    id: UserRoleId
    user_id: UserId
    role_id: RoleId
    client_id: ClientId
    inserted_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedUserRole:
    """The same beside what the role and the client are called, and what the role holds."""

    granted: UserRole
    role_name: str
    client_name: str
    scope: tuple[str, ...]


def matching(
    *,
    user_ids: Collection[UUID] | None = None,
    role_id: UUID | None = None,
    client_id: UUID | None = None,
    role_name: str | None = None,
) -> ColumnElement[bool]:
    """Selects what has all of what is given."""
    conditions: list[ColumnElement[bool]] = []
    if user_ids is not None:
        conditions.append(ur.c.user_id.in_(user_ids))
    if role_id is not None:
        conditions.append(ur.c.role_id == role_id)
    if client_id is not None:
        conditions.append(ur.c.client_id == client_id)
    if role_name is not None:
        named = select(r.c.id).where(r.c.name == role_name)
        conditions.append(ur.c.role_id.in_(named))
    return and_(true(), *conditions)


async def listed(conn: AsyncConnection, chosen: ColumnElement[bool]) -> list[NamedUserRole]:
    """All that is chosen."""
    query = (
        select(
            ur,
            r.c.name.label("role_name"),
            c.c.name.label("client_name"),
            r.c.scope,
        )
        .join(r, r.c.id == ur.c.role_id)
        .join(c, c.c.id == ur.c.client_id)
        .where(chosen)
        .order_by(ur.c.inserted_at, ur.c.id)
    )
    return [
        NamedUserRole(
            granted=_granted(row),
            role_name=row.role_name,
            client_name=row.client_name,
            scope=tuple(row.scope),
        )
        for row in await conn.execute(query)
    ]


async def of_user(
    conn: AsyncConnection, user_id: UserId, user_role_id: UserRoleId
) -> UserRole | None:
    """This one, if it is this user's."""
    query = select(ur).where(ur.c.id == user_role_id, ur.c.user_id == user_id)
    row = (await conn.execute(query)).one_or_none()
    return None if row is None else _granted(row)


async def add(conn: AsyncConnection, granted: UserRole) -> tuple[str, ...]:
    """Give a user a role in a client, and tell its scope. The constraints may object."""
    await conn.execute(ur.insert().values(asdict(granted)))
    query = select(r.c.scope).where(r.c.id == granted.role_id)
    return tuple((await conn.execute(query)).scalar_one())


async def remove(conn: AsyncConnection, chosen: ColumnElement[bool]) -> list[UserRole]:
    """Take away what is chosen. Returns what there was."""
    rows = await conn.execute(ur.delete().where(chosen).returning(ur))
    return sorted(map(_granted, rows), key=lambda granted: granted.id)


def is_one(user_role_id: UserRoleId) -> ColumnElement[bool]:
    """Selects exactly this one."""
    return ur.c.id == user_role_id


def _granted(row: Row[Any]) -> UserRole:
    return UserRole(
        id=row.id,
        user_id=row.user_id,
        role_id=row.role_id,
        client_id=row.client_id,
        inserted_at=row.inserted_at,
        updated_at=row.updated_at,
    )
