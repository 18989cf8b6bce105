"""Give a connection a new secret: used by every action that shows one."""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.deps import Deps
from services.mithril_api.domain.connections import SECRET_BITS, Connection, secret_of
from services.mithril_api.domain.keys import CONNECTION_SECRET
from services.mithril_api.store import connections


async def rotate(
    deps: Deps, conn: AsyncConnection, connection: Connection, *, now: datetime
) -> str:
    """The new secret; only its digest is kept. The caller holds the connection's row."""
    secret = secret_of(deps.entropy.bits(SECRET_BITS))
    await connections.rotate_secret(
        conn,
        connection.id,
        deps.settings.keyring.digest(CONNECTION_SECRET, secret),
        at=now,
        overlap=timedelta(seconds=deps.settings.secret_overlap),
    )
    return secret
