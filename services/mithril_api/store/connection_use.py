"""SQL over the use of connections: which secrets they have, and when one last worked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.models.ids import ConnectionId
from shared.models.schema.mithril import connection_secrets as s
from shared.models.schema.mithril import connections as cn
from shared.runtime.postgres import driver_of

_NOTE = """
WITH held AS (
  SELECT c.id, u.at FROM unnest($1::uuid[], $2::timestamptz[]) AS u (id, at)
  JOIN connections c ON c.id = u.id
  WHERE c.last_used_at IS NULL OR c.last_used_at < u.at
  ORDER BY c.id FOR NO KEY UPDATE OF c SKIP LOCKED
)
UPDATE connections SET last_used_at = held.at FROM held WHERE connections.id = held.id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretLife:
    """When a secret was made and when it stops working; none: when it is rotated."""

    inserted_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """The secrets of a connection, newest first, and its last use (to the hour)."""

    secrets: Sequence[SecretLife]
    last_at: datetime | None


async def of_connection(conn: AsyncConnection, connection_id: ConnectionId) -> Use:
    """What is known; nothing, of a connection that is not there."""
    last = select(cn.c.last_used_at).where(cn.c.id == connection_id)
    lives = (
        select(s.c.inserted_at, s.c.expires_at)
        .where(s.c.connection_id == connection_id)
        .order_by(s.c.inserted_at.desc(), s.c.expires_at.desc().nulls_first())
    )
    rows = (await conn.execute(lives)).all()
    return Use(
        secrets=[
            SecretLife(inserted_at=row.inserted_at, expires_at=row.expires_at)
            for row in rows
        ],
        last_at=(await conn.execute(last)).scalar_one_or_none(),
    )


async def note(conn: AsyncConnection, uses: Mapping[ConnectionId, datetime]) -> None:
    """Keep when connections were used. One that is being changed is left for the next time."""
    await driver_of(conn).execute(_NOTE, list(uses), list(uses.values()))
