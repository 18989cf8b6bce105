"""SQL over presented_once: what serves once, and came."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.runtime.postgres import driver_of

# In the order of digests, so that two batches never wait for one another in a circle.
_TAKE = """
INSERT INTO presented_once AS p (digest, expires_at)
SELECT digest, expires_at FROM unnest($1::bytea[], $2::timestamptz[]) AS t (digest, expires_at)
ORDER BY digest
ON CONFLICT (digest) DO UPDATE SET expires_at = EXCLUDED.expires_at
WHERE p.expires_at <= $3::timestamptz
RETURNING digest
"""


async def take(
    conn: AsyncConnection, until: Mapping[bytes, datetime], *, now: datetime
) -> set[bytes]:
    """Those that come for the first time, of digests and when each means nothing any more.

    Of two transactions that bring the same one, the second waits for the first: whatever the
    interleaving, and in whichever process, one gets it.
    """
    rows = await driver_of(conn).fetch(_TAKE, list(until), list(until.values()), now)
    return {row["digest"] for row in rows}
