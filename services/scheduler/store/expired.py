"""SQL over what has had its time, in batches. Every function takes the caller's connection.

A row that another transaction holds is skipped: no batch ever waits on a request, and the next
run comes for it.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_TOKENS = text("""
WITH doomed AS MATERIALIZED (
  SELECT id, expires_at FROM tokens_default
  WHERE id > :after AND expires_at < :before
  ORDER BY id LIMIT :limit FOR UPDATE SKIP LOCKED
), gone AS (
  DELETE FROM tokens_default t USING doomed
  WHERE t.id = doomed.id AND t.expires_at = doomed.expires_at
)
SELECT id FROM doomed ORDER BY id
""")

_EXPIRIES = text("""
DELETE FROM token_expiries WHERE (digest, name) IN (
  SELECT digest, name FROM token_expiries
  WHERE expires_at < :before ORDER BY expires_at LIMIT :limit FOR UPDATE SKIP LOCKED
)
""")

_CODES = text("""
UPDATE one_time_codes SET status = 'EXPIRED', active = false WHERE id IN (
  SELECT id FROM one_time_codes
  WHERE active AND code_expired_at < :now
  ORDER BY code_expired_at LIMIT :limit FOR UPDATE SKIP LOCKED
)
""")

_EVENTS = text("""
DELETE FROM outbox_default WHERE position IN (
  SELECT position FROM outbox_default
  WHERE occurred_at < :before
    AND sequence <= (SELECT min(published) FROM outbox_relays)
    AND NOT EXISTS (SELECT FROM outbox_relays WHERE replay_from IS NOT NULL)
  ORDER BY sequence LIMIT :limit FOR UPDATE SKIP LOCKED
)
""")

_NONCES = text("""
DELETE FROM nonces WHERE digest IN (
  SELECT digest FROM nonces
  WHERE expires_at < :before ORDER BY expires_at LIMIT :limit FOR UPDATE SKIP LOCKED
)
""")

_RECOVERIES = text("""
DELETE FROM password_recoveries WHERE id IN (
  SELECT id FROM password_recoveries
  WHERE expires_at < :before ORDER BY expires_at LIMIT :limit FOR UPDATE SKIP LOCKED
)
""")

_REQUESTS = text("""
DELETE FROM authorization_requests WHERE digest IN (
  SELECT digest FROM authorization_requests
  WHERE expires_at < :before ORDER BY expires_at LIMIT :limit FOR UPDATE SKIP LOCKED
)
""")

_PRESENTED = text("""
DELETE FROM presented_once WHERE digest IN (
  SELECT digest FROM presented_once
  WHERE expires_at < :before ORDER BY expires_at LIMIT :limit FOR UPDATE SKIP LOCKED
)
""")

_LIMITS = text("""
DELETE FROM rate_limits WHERE key IN (
  SELECT key FROM rate_limits WHERE settles_at < :before LIMIT :limit FOR UPDATE SKIP LOCKED
)
""")


async def delete_tokens_without_partition(
    conn: AsyncConnection, *, before: datetime, after: UUID, limit: int
) -> Sequence[UUID]:
    """Delete tokens of the default partition that expired before then, from an id on.

    Returns their ids in order. The ids lead along the primary key, since that partition has
    no index on expiry: one pass over it, however many batches.
    """
    bounds = {"before": before, "after": after, "limit": limit}
    return (await conn.execute(_TOKENS, bounds)).scalars().all()


async def delete_expiries(conn: AsyncConnection, *, before: datetime, limit: int) -> int:
    """Forget where tokens that expired before then were kept. Returns how many."""
    return (await conn.execute(_EXPIRIES, {"before": before, "limit": limit})).rowcount


async def expire_codes(conn: AsyncConnection, *, now: datetime, limit: int) -> int:
    """End one-time codes past their time. Returns how many."""
    return (await conn.execute(_CODES, {"now": now, "limit": limit})).rowcount


async def delete_events_without_partition(
    conn: AsyncConnection, *, before: datetime, limit: int
) -> int:
    """Delete published events of the default partition from before then. Returns how many."""
    return (await conn.execute(_EVENTS, {"before": before, "limit": limit})).rowcount


async def delete_nonces(conn: AsyncConnection, *, before: datetime, limit: int) -> int:
    """Delete nonces that expired before then. Returns how many."""
    return (await conn.execute(_NONCES, {"before": before, "limit": limit})).rowcount


async def delete_recoveries(conn: AsyncConnection, *, before: datetime, limit: int) -> int:
    """Delete links to set a password that expired before then. Returns how many."""
    return (await conn.execute(_RECOVERIES, {"before": before, "limit": limit})).rowcount


async def delete_requests(conn: AsyncConnection, *, before: datetime, limit: int) -> int:
    """Delete authorization requests that expired before then. Returns how many."""
    return (await conn.execute(_REQUESTS, {"before": before, "limit": limit})).rowcount


async def delete_presented(conn: AsyncConnection, *, before: datetime, limit: int) -> int:
    """Forget what came and could not come again since then. Returns how many."""
    return (await conn.execute(_PRESENTED, {"before": before, "limit": limit})).rowcount


async def delete_limits(conn: AsyncConnection, *, before: datetime, limit: int) -> int:
    """Forget who had used up nothing any more by then. Returns how many.

    Reads the whole table, which holds those of the last minutes.
    """
    return (await conn.execute(_LIMITS, {"before": before, "limit": limit})).rowcount
