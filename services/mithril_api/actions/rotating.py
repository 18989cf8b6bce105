"""Give a connection a new secret: used by every action that shows one."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.deps import Deps
from services.mithril_api.domain.connections import SECRET_BITS, Connection, secret_of
from services.mithril_api.domain.keys import CONNECTION_SECRET
from services.mithril_api.store import connections


async def rotate(
    deps: Deps, conn: AsyncConnection, connection: Connection, *, now: datetime
) -> str:
    """The new secret; the former one works until the overlap ends.

    Only digests are kept. The caller holds the connection's row.
    """
    return await _give(deps, conn, connection, connections.rotate_secret, now=now)


async def reissue(
    deps: Deps, conn: AsyncConnection, connection: Connection, *, now: datetime
) -> str:
    """A secret to show again: the oldest that still works is kept beside it."""
    return await _give(deps, conn, connection, connections.reissue_secret, now=now)


async def _give(
    deps: Deps,
    conn: AsyncConnection,
    connection: Connection,
    keep: Callable[..., Awaitable[None]],
    *,
    now: datetime,
) -> str:
    secret = secret_of(deps.entropy.bits(SECRET_BITS))
    await keep(
        conn,
        connection.id,
        deps.settings.keyring.digest(CONNECTION_SECRET, secret),
        at=now,
        overlap=timedelta(seconds=deps.settings.secret_overlap),
    )
    return secret
