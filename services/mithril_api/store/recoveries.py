"""SQL over password_recoveries: links to set a new password that are not yet used."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, exists, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.domain.recovery import Recovery, Return
from services.mithril_api.domain.values import digest_of
from shared.models.ids import UserId
from shared.models.schema.mithril import connections as cn
from shared.models.schema.mithril import password_recoveries as r


async def add(conn: AsyncConnection, recovery: Recovery, *, value: str) -> None:
    """Keep a link by the digest of its value."""
    await conn.execute(
        insert(r).values(
            id=recovery.id,
            user_id=recovery.user_id,
            digest=digest_of(value),
            expires_at=recovery.expires_at,
        )
    )


async def prolong(conn: AsyncConnection, recovery: Recovery, *, value: str) -> bool:
    """Let a link that was not handed over live until a later moment. False: it is gone."""
    later = {"digest": digest_of(value), "expires_at": recovery.expires_at}
    changed = await conn.execute(update(r).where(r.c.id == recovery.id).values(later))
    return changed.rowcount == 1


async def by_value(conn: AsyncConnection, value: str) -> Recovery | None:
    """The link with this value, whether or not it has expired."""
    query = select(r).where(r.c.digest == digest_of(value))
    row = (await conn.execute(query)).one_or_none()
    return None if row is None else _recovery(row)


async def remove_of_user(conn: AsyncConnection, user_id: UserId) -> None:
    """Take every link of a user away: the password they were for is another one now."""
    await conn.execute(delete(r).where(r.c.user_id == user_id))


async def is_registered(conn: AsyncConnection, goal: Return) -> bool:
    """Whether a connection of the client has this redirect address, to the letter."""
    query = exists().where(
        cn.c.client_id == goal.client_id, cn.c.redirect_uri == goal.redirect_uri
    )
    return bool((await conn.execute(select(query))).scalar_one())


def _recovery(row: Row[Any]) -> Recovery:
    return Recovery(
        id=UUID(str(row.id)), user_id=UserId(row.user_id), expires_at=row.expires_at
    )
