"""Give a connection a new secret: used by every action that shows one."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.deps import Deps
from services.mithril_api.domain.connections import (
    SECRET_BITS,
    Connection,
    Fresh,
    secret_of,
)
from services.mithril_api.domain.keys import CONNECTION_SECRET
from services.mithril_api.store import connections


async def rotate(
    deps: Deps,
    conn: AsyncConnection,
    connection: Connection,
    *,
    now: datetime,
    expires_at: datetime | None,
) -> Fresh:
    """The new secret; the former one works until the overlap ends.

    Without an end that is asked for, the new one has that of the settings, if any.

    Only digests are kept. The caller holds the connection's row.
    """
    return await _give(
        deps, conn, connection, connections.rotate_secret, now=now, expires_at=expires_at
    )


async def reissue(
    deps: Deps,
    conn: AsyncConnection,
    connection: Connection,
    *,
    now: datetime,
    expires_at: datetime | None,
) -> Fresh:
    """A secret to show again: the oldest that still works is kept beside it."""
    return await _give(
        deps, conn, connection, connections.reissue_secret, now=now, expires_at=expires_at
    )


async def _give(
    deps: Deps,
    conn: AsyncConnection,
    connection: Connection,
    keep: Callable[..., Awaitable[None]],
    *,
    now: datetime,
    expires_at: datetime | None,
) -> Fresh:
    lifetime = deps.settings.secret_lifetime()
    if expires_at is None and lifetime is not None:
        expires_at = now + lifetime
    secret = secret_of(deps.entropy.bits(SECRET_BITS))
    await keep(
        conn,
        connection.id,
        deps.settings.keyring.digest(CONNECTION_SECRET, secret),
        at=now,
        expires_at=expires_at,
        overlap=timedelta(seconds=deps.settings.secret_overlap),
    )
    return Fresh(secret=secret, expires_at=expires_at)
