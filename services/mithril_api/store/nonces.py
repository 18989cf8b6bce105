"""SQL over nonces: those given out and not yet used."""

from datetime import datetime
from hashlib import sha256
from uuid import UUID

from sqlalchemy import delete, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.models.ids import ClientId
from shared.models.schema.mithril import nonces as n


async def add(
    conn: AsyncConnection, nonce: UUID, *, client_id: ClientId, expires_at: datetime
) -> None:
    """Keep a nonce of a client by its digest."""
    values = {"digest": _digest(nonce), "client_id": client_id, "expires_at": expires_at}
    await conn.execute(insert(n).values(values))


async def consume(
    conn: AsyncConnection, nonce: UUID, *, client_id: ClientId, now: datetime
) -> bool:
    """Take a nonce of this client away. False: it was used, is another's, or never was.

    Of two at once, the second waits for the first and finds nothing.
    """
    mine = (n.c.digest == _digest(nonce), n.c.client_id == client_id)
    gone = await conn.execute(delete(n).where(*mine, n.c.expires_at > now))
    return gone.rowcount == 1


def _digest(nonce: UUID) -> bytes:
    return sha256(nonce.bytes).digest()
