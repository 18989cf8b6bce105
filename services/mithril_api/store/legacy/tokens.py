"""Laying down tokens of the original: the one table that is large, and changes by the minute."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.domain.legacy.tokens import judge_token
from services.mithril_api.store.legacy.parts import Columns
from services.mithril_api.store.legacy.writing import BY_KEY, Span, Written
from shared.runtime.postgres import driver_of

TABLE = "tokens"
judge = judge_token

# $1 now.
QUERY = """
SELECT x.id, x.name, x.value, x.expires_at, x.details::text AS details, x.user_id,
  EXISTS (SELECT 1 FROM users u WHERE u.id = x.user_id) AS has_user,
  coalesce(x.inserted_at, timestamp 'epoch') AS inserted_at,
  coalesce(x.updated_at, timestamp 'epoch') AS updated_at
FROM tokens x WHERE x.expires_at > $1 ORDER BY x.id
"""

COLUMNS: Columns = (
    ("id", "uuid"),
    ("name", "text"),
    ("digest", "bytea"),
    ("user_id", "uuid"),
    ("client_id", "uuid"),
    ("app_id", "uuid"),
    ("family_id", "uuid"),
    ("scope", "text[]"),
    ("grant_type", "text"),
    ("details", "jsonb"),
    ("expires_at", "timestamptz"),
    ("used_at", "timestamptz"),
    ("inserted_at", "timestamptz"),
    ("updated_at", "timestamptz"),
)
_LISTED = ", ".join(name for name, _ in COLUMNS)
_CHANGING = ("user_id", "client_id", "app_id", "scope", "grant_type", "details")

# A value that is not noted yet is new; to note it is what lets it in.
_ADD = f"""
WITH fresh AS (
  INSERT INTO token_expiries (digest, name, expires_at)
  SELECT digest, name, expires_at FROM staged
  ON CONFLICT DO NOTHING RETURNING digest, name
)
INSERT INTO tokens ({_LISTED}, moved_in_at)
SELECT {", ".join(f"s.{name}" for name, _ in COLUMNS)}, $1
FROM staged s JOIN fresh USING (digest, name)
"""  # noqa: S608 — columns of ours

# Of those that were noted before, each found by its expiry in one partition: whose value is
# another token's here, and which one changed there. An ended one stays ended.
_OTHERWISE = """
SELECT s.id, e.expires_at AS ends, t.id IS NULL AS is_clashing
FROM staged s JOIN token_expiries e USING (digest, name)
LEFT JOIN LATERAL (
  SELECT t.id, t.expires_at, t.used_at, t.updated_at, t.revoked_at, t.moved_in_at
  FROM tokens t WHERE t.id = s.id AND t.expires_at = e.expires_at OFFSET 0
) t ON true
WHERE t.id IS NULL
   OR (t.moved_in_at IS NOT NULL AND t.revoked_at IS NULL
       AND (t.updated_at < s.updated_at
            OR (t.updated_at = s.updated_at AND t.expires_at <> s.expires_at)
            OR (t.used_at IS NULL AND s.used_at IS NOT NULL)))
"""

# A token is moved by its new end, and what is known of it follows. $1 ids, $2 former ends.
_CHANGE = f"""
WITH moved AS (
  UPDATE tokens t SET ({", ".join(_CHANGING)}, expires_at, used_at, updated_at)
    = ROW ({", ".join(f"s.{name}" for name in _CHANGING)}, s.expires_at,
      coalesce(t.used_at, s.used_at), s.updated_at)
  FROM unnest($1::uuid[], $2::timestamptz[]) AS q (id, ends) JOIN staged s ON s.id = q.id
  WHERE t.id = q.id AND t.expires_at = q.ends
  RETURNING t.digest, t.name, t.expires_at
)
UPDATE token_expiries e SET expires_at = moved.expires_at
FROM moved WHERE e.digest = moved.digest AND e.name = moved.name
"""  # noqa: S608 — columns of ours

# What moved in before and is not live there any more ended there.
_END = """
UPDATE tokens t SET revoked_at = $1, updated_at = $1
WHERE t.moved_in_at IS NOT NULL AND t.revoked_at IS NULL AND t.expires_at > $1
  AND t.id > $2 AND t.id <= $3
  AND NOT EXISTS (SELECT FROM staged s WHERE s.id = t.id)
"""


async def write(
    conn: AsyncConnection, span: Span, *, staged: int, now: datetime, sweep: bool
) -> tuple[Written, list[object]]:
    """Write what is staged. Also tells which were not, since their value is taken here.

    With `sweep`, what moved in before and is not live there any more is revoked.
    """
    driver = driver_of(conn)
    ended = 0
    if sweep:
        ended = _count(await driver.execute(_END, now, span.after, span.upto))
    new = _count(await driver.execute(_ADD, now)) if staged else 0
    if new == staged:
        return Written(new=new, removed=ended), []
    await driver.execute(BY_KEY)
    otherwise = await driver.fetch(_OTHERWISE)
    clashing = [row["id"] for row in otherwise if row["is_clashing"]]
    changed = await _change(driver, [row for row in otherwise if not row["is_clashing"]])
    return Written(new=new, changed=changed, removed=ended), clashing


async def _change(driver: asyncpg.Connection, rows: Sequence[Any]) -> int:
    """Follow what changed of tokens that are here."""
    if not rows:
        return 0
    await driver.execute("CREATE INDEX ON staged (id)")
    ids, ends = [row["id"] for row in rows], [row["ends"] for row in rows]
    return _count(await driver.execute(_CHANGE, ids, ends))


def _count(status: str) -> int:
    return int(status.rpartition(" ")[2])
