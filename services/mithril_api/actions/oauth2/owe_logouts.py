"""Owe clients the news that a session ended: used by every action that ends one."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.deps import Deps
from services.mithril_api.domain.oauth2.logouts import LogoutId
from services.mithril_api.store import owed_logouts
from shared.models.ids import UserId


async def owe_logouts(
    deps: Deps, conn: AsyncConnection, user_id: UserId, *, sid: str | None, now: datetime
) -> None:
    """A logout token for each client of this session, or of every one of the user's."""
    concerned = await owed_logouts.concerned(conn, user_id, sid=sid, now=now)
    if concerned:
        owed = [(LogoutId(deps.entropy.uuid()), ended) for ended in concerned]
        await owed_logouts.add(conn, user_id, owed, now=now)
