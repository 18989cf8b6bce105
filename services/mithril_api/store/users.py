"""SQL over users. Every function takes the caller's connection."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.models.ids import UserId
from shared.models.schema.mithril import users as u


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """An account."""

    id: UserId
    email: str
    password_hash: str = field(repr=False)
    settings: Mapping[str, Any]
    is_blocked: bool
    block_reason: str | None
    password_set_at: datetime
    tax_id: str
    person_id: str
    inserted_at: datetime
    updated_at: datetime


async def is_blocked(conn: AsyncConnection, user_id: UserId) -> bool:
    """Whether a user may not act; one that does not exist may not either.

    The row is held against a block under way, so a token issued beside it cannot escape it.
    """
    query = select(u.c.is_blocked).where(u.c.id == user_id).with_for_update(read=True)
    return (await conn.execute(query)).scalar_one_or_none() is not False


async def by_id(conn: AsyncConnection, user_id: UserId) -> User | None:
    """The account with this id."""
    row = (await conn.execute(select(u).where(u.c.id == user_id))).one_or_none()
    return None if row is None else user_of(row)


async def by_email(conn: AsyncConnection, email: str) -> User | None:
    """The account with this e-mail, whatever the case of its letters."""
    row = (await conn.execute(select(u).where(u.c.email == email.lower()))).one_or_none()
    return None if row is None else user_of(row)


async def hold(conn: AsyncConnection, user_id: UserId) -> User | None:
    """The account, its row held until the transaction ends: blocks and sign-ins take turns."""
    query = select(u).where(u.c.id == user_id).with_for_update(key_share=True)
    row = (await conn.execute(query)).one_or_none()
    return None if row is None else user_of(row)


def user_of(row: Row[Any]) -> User:
    """A row of users as a value."""
    return User(
        id=row.id,
        email=row.email,
        password_hash=row.password_hash,
        settings=row.settings,
        is_blocked=row.is_blocked,
        block_reason=row.block_reason,
        password_set_at=row.password_set_at,
        tax_id=row.tax_id,
        person_id=row.person_id,
        inserted_at=row.inserted_at,
        updated_at=row.updated_at,
    )
