"""SQL over what has had its time, in batches. Every function takes the caller's connection.

A row that another transaction holds is skipped: no batch ever waits on a request, and the next
run comes for it.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import TextClause, text
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


def _past(table: str, *, key: str = "digest", end: str = "expires_at") -> TextClause:
    """The statement that deletes rows of a table whose end was before then."""
    return text(f"""
DELETE FROM {table} WHERE ({key}) IN (
  SELECT {key} FROM {table}
  WHERE {end} < :before ORDER BY {end} LIMIT :limit FOR UPDATE SKIP LOCKED
)
""")  # noqa: S608 — the names are below


TOKEN_EXPIRIES = _past("token_expiries", key="digest, name")
NONCES = _past("nonces")
RECOVERIES = _past("password_recoveries", key="id")
REQUESTS = _past("authorization_requests")
DEVICES = _past("device_authorizations")
PRESENTED = _past("presented_once")
# No index has their order: the whole table is read, which holds those of the last minutes.
LIMITS = _past("rate_limits", key="key", end="settles_at")


async def delete_past(
    conn: AsyncConnection, what: TextClause, *, before: datetime, limit: int
) -> int:
    """Delete rows of one of the tables above whose end was before then. Returns how many."""
    return (await conn.execute(what, {"before": before, "limit": limit})).rowcount


async def delete_tokens_without_partition(
    conn: AsyncConnection, *, before: datetime, after: UUID, limit: int
) -> Sequence[UUID]:
    """Delete tokens of the default partition that expired before then, from an id on.

    Returns their ids in order. The ids lead along the primary key, since that partition has
    no index on expiry: one pass over it, however many batches.
    """
    bounds = {"before": before, "after": after, "limit": limit}
    return (await conn.execute(_TOKENS, bounds)).scalars().all()


async def expire_codes(conn: AsyncConnection, *, now: datetime, limit: int) -> int:
    """End one-time codes past their time. Returns how many."""
    return (await conn.execute(_CODES, {"now": now, "limit": limit})).rowcount


async def delete_events_without_partition(
    conn: AsyncConnection, *, before: datetime, limit: int
) -> int:
    """Delete published events of the default partition from before then. Returns how many."""
    return (await conn.execute(_EVENTS, {"before": before, "limit": limit})).rowcount
