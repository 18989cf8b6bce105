"""SQL over connections and their secrets."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.models.ids import ClientId, ConnectionId
from shared.models.schema.mithril import clients as c
from shared.models.schema.mithril import connection_secrets as s
from shared.models.schema.mithril import connections as cn


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """The connection that a client's secret belongs to."""

    id: ConnectionId
    redirect_uri: str
    client_is_blocked: bool


async def by_secret(
    conn: AsyncConnection, client_id: ClientId, digests: Sequence[bytes], *, now: datetime
) -> Credentials | None:
    """The connection of this client which has the secret, present or rotating out."""
    query = (
        select(cn.c.id, cn.c.redirect_uri, c.c.is_blocked)
        .join(cn, cn.c.id == s.c.connection_id)
        .join(c, c.c.id == cn.c.client_id)
        .where(
            s.c.digest.in_(digests),
            cn.c.client_id == client_id,
            or_(s.c.expires_at.is_(None), s.c.expires_at > now),
        )
        .limit(1)
    )
    row = (await conn.execute(query)).one_or_none()
    if row is None:
        return None
    return Credentials(
        id=row.id, redirect_uri=row.redirect_uri, client_is_blocked=row.is_blocked
    )


async def redirect_uris(conn: AsyncConnection, client_id: ClientId) -> list[str]:
    """Every redirect URI registered for a client."""
    query = select(cn.c.redirect_uri).where(cn.c.client_id == client_id).order_by(cn.c.id)
    return list((await conn.execute(query)).scalars())
