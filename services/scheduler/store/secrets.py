"""SQL over client secrets that are about to expire."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.events.accounts import ConnectionSecretExpiring

# The last that its connection has: one beside a secret that lives longer is on its way out,
# as it should be.
_LAST = """
  s.expires_at > :now AND s.expires_at <= :until
  AND NOT EXISTS (
    SELECT FROM connection_secrets other
    WHERE other.connection_id = s.connection_id AND other.digest <> s.digest
      AND (other.expires_at IS NULL OR other.expires_at > s.expires_at)
  )
"""

_TELL = text(f"""
WITH due AS (
  SELECT s.digest FROM connection_secrets s
  WHERE s.expiry_told_at IS NULL AND {_LAST}
  ORDER BY s.expires_at LIMIT :limit FOR UPDATE OF s SKIP LOCKED
), told AS (
  UPDATE connection_secrets s SET expiry_told_at = :now FROM due
  WHERE s.digest = due.digest RETURNING s.connection_id, s.expires_at
)
SELECT c.client_id, c.id, c.consumer_id, told.expires_at
FROM told JOIN connections c ON c.id = told.connection_id ORDER BY told.expires_at
""")  # noqa: S608 — our own words

_COUNT = text(f"SELECT count(*) FROM connection_secrets s WHERE {_LAST}")  # noqa: S608


async def mark_expiring(
    conn: AsyncConnection, *, now: datetime, until: datetime, limit: int
) -> Sequence[ConnectionSecretExpiring]:
    """Mark secrets that end by then and were not told of, and return what is to be told.

    A secret that another transaction holds is skipped: it is being told of, or replaced.
    """
    rows = await conn.execute(_TELL, {"now": now, "until": until, "limit": limit})
    return [
        ConnectionSecretExpiring(
            client_id=row.client_id,
            connection_id=row.id,
            consumer_id=row.consumer_id,
            expires_at=row.expires_at,
        )
        for row in rows
    ]


async def count_expiring(conn: AsyncConnection, *, now: datetime, until: datetime) -> int:
    """How many end by then, whether they were told of or not."""
    found = await conn.execute(_COUNT, {"now": now, "until": until})
    return int(found.scalar_one())
