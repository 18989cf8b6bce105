"""SQL over owed_logouts: which clients have yet to hear that a session ended."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.domain.oauth2.logouts import Ended, LogoutId, OwedLogout
from services.mithril_api.store import owing
from shared.models.ids import ClientId, UserId
from shared.models.schema.mithril import owed_logouts as o

# By the user's index: a user's tokens are few. Revoked ones count, since what the client
# keeps for itself outlives them.
_CONCERNED = text("""
SELECT DISTINCT t.client_id, t.details #>> '{sign_in,sid}' AS sid,
  t.details #>> '{sign_in,issuer}' AS issuer
FROM tokens t JOIN clients c ON c.id = t.client_id
WHERE t.user_id = :user_id AND t.name = 'refresh_token' AND t.expires_at > :now
  AND 'openid' = ANY (t.scope)
  AND t.details #>> '{sign_in,issuer}' IS NOT NULL
  AND t.details #>> '{sign_in,sid}' = coalesce(:sid, t.details #>> '{sign_in,sid}')
  AND c.settings ? 'backchannel_logout_uri'
""")


async def concerned(
    conn: AsyncConnection, user_id: UserId, *, sid: str | None, now: datetime
) -> list[Ended]:
    """The clients that know a session of a user, or any of them, and want to hear of its end."""
    given = {"user_id": user_id, "sid": sid, "now": now}
    return [
        Ended(client_id=ClientId(row.client_id), sid=row.sid, issuer=row.issuer)
        for row in await conn.execute(_CONCERNED, given)
    ]


async def add(
    conn: AsyncConnection,
    user_id: UserId,
    owed: Sequence[tuple[LogoutId, Ended]],
    *,
    now: datetime,
) -> None:
    """Owe clients a logout token from this transaction's commit on."""
    rows = [
        {
            "id": logout_id,
            "client_id": ended.client_id,
            "user_id": user_id,
            "sid": ended.sid,
            "issuer": ended.issuer,
            "inserted_at": now,
            "next_attempt_at": now,
        }
        for logout_id, ended in owed
    ]
    await conn.execute(o.insert(), rows)


async def take(
    conn: AsyncConnection, *, now: datetime, again_at: Callable[[int], datetime]
) -> OwedLogout | None:
    """The one whose turn it is, which nobody else gets until `again_at` its attempts."""
    taken = await owing.take(conn, o, now=now, again_at=again_at)
    return None if taken is None else _owed(*taken)


async def remove(conn: AsyncConnection, logout_id: LogoutId) -> None:
    """Owe it no longer."""
    await owing.remove(conn, o, logout_id)


def _owed(row: Row[Any], attempts: int) -> OwedLogout:
    return OwedLogout(
        id=LogoutId(row.id),
        user_id=UserId(row.user_id),
        ended=Ended(client_id=ClientId(row.client_id), sid=row.sid, issuer=row.issuer),
        attempts=attempts,
        inserted_at=row.inserted_at,
    )
