"""Give a connection a new secret: one transaction."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.actions.minting import message
from services.mithril_api.actions.rotating import rotate
from services.mithril_api.deps import Deps
from services.mithril_api.domain.connections import (
    Connection,
    Opened,
    judge_rotation,
    told_of_rotation,
)
from services.mithril_api.domain.keys import CONNECTION_SECRET
from services.mithril_api.domain.refusals import Reason, Refused
from services.mithril_api.store import connections
from shared.models.ids import ClientId, ConnectionId
from shared.runtime import outbox


async def refresh_connection_secret(
    deps: Deps,
    client_id: ClientId,
    connection_id: ConnectionId,
    *,
    api_key: str | None,
    expires_at: datetime | None = None,
) -> Opened | Refused:
    """The connection with its new secret; the former one works until the overlap ends."""
    digests = (
        [] if api_key is None else deps.settings.keyring.digests(CONNECTION_SECRET, api_key)
    )
    async with deps.db.begin() as conn:
        connection = await connections.hold(conn, client_id, connection_id)
        if connection is None:
            return Refused(Reason.NOT_FOUND)
        now = deps.clock.now()  # after the lock
        owner = await connections.owner_of_key(conn, digests, now=now)
        refused = judge_rotation(
            connection,
            api_key_sent=api_key is not None,
            key_owner=None if owner is None else owner.client_id,
        )
        if refused is not None:
            return refused
        opened = await _rotated(deps, conn, connection, now=now, expires_at=expires_at)
    deps.committed()
    return opened


async def rotate_connection_secret(
    deps: Deps,
    client_id: ClientId,
    connection_id: ConnectionId,
    *,
    expires_at: datetime | None = None,
) -> Opened | Refused:
    """The same for an operator, whose right to it is not the consumer's key."""
    async with deps.db.begin() as conn:
        connection = await connections.hold(conn, client_id, connection_id)
        if connection is None:
            return Refused(Reason.NOT_FOUND)
        opened = await _rotated(
            deps, conn, connection, now=deps.clock.now(), expires_at=expires_at
        )
    deps.committed()
    return opened


async def _rotated(
    deps: Deps,
    conn: AsyncConnection,
    connection: Connection,
    *,
    now: datetime,
    expires_at: datetime | None,
) -> Opened:
    made = await rotate(deps, conn, connection, now=now, expires_at=expires_at)
    event = told_of_rotation(connection)
    await outbox.put(conn, message(deps, event, at=now))
    return Opened(
        connection=connection, secret=made.secret, expires_at=made.expires_at, is_new=False
    )
