"""SQL over passwords: the one that is set, and those that may not be set again."""

from datetime import datetime

from sqlalchemy import Insert, Select, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.domain.passwords import REMEMBERED
from shared.models.ids import UserId
from shared.models.schema.mithril import password_history as h
from shared.models.schema.mithril import users as u


async def hashes(conn: AsyncConnection, user_id: UserId) -> list[str]:
    """The hashes of the present password and of those before it; none: no such user.

    The present one is asked of the account itself: an account moved in may have no history,
    and a hash renewed at sign-in is not in it.
    """
    present = select(u.c.password_hash).where(u.c.id == user_id)
    before = await _remembered(conn, user_id)
    return list(dict.fromkeys([*(await conn.execute(present)).scalars(), *before]))


async def store(
    conn: AsyncConnection, user_id: UserId, password_hash: str, *, at: datetime
) -> None:
    """Set the password of an account whose row the caller holds, and remember it."""
    if not await _remembered(conn, user_id):
        await conn.execute(_remember_present(user_id))
    changed = (
        update(u)
        .where(u.c.id == user_id)
        .values(password_hash=password_hash, password_set_at=at, updated_at=at)
    )
    await conn.execute(changed)
    await remember(conn, user_id, password_hash, at=at)


async def renew(conn: AsyncConnection, user_id: UserId, password_hash: str) -> None:
    """Keep the same password by a newer hash. The caller holds the user's row."""
    await conn.execute(
        update(u).where(u.c.id == user_id).values(password_hash=password_hash)
    )


async def remember(
    conn: AsyncConnection, user_id: UserId, password_hash: str, *, at: datetime
) -> None:
    """Add the newest password of an account to its history; the oldest ones are forgotten."""
    await conn.execute(
        insert(h).values(user_id=user_id, password_hash=password_hash, inserted_at=at)
    )
    kept = _newest(user_id).with_only_columns(h.c.id)
    await conn.execute(delete(h).where(h.c.user_id == user_id, h.c.id.not_in(kept)))


async def _remembered(conn: AsyncConnection, user_id: UserId) -> list[str]:
    return list((await conn.execute(_newest(user_id))).scalars())


def _newest(user_id: UserId) -> Select[str]:
    return (
        select(h.c.password_hash)
        .where(h.c.user_id == user_id)
        .order_by(h.c.id.desc())
        .limit(REMEMBERED)
    )


def _remember_present(user_id: UserId) -> Insert:
    present = select(u.c.id, u.c.password_hash, u.c.password_set_at)
    columns = ["user_id", "password_hash", "inserted_at"]
    return insert(h).from_select(columns, present.where(u.c.id == user_id))
