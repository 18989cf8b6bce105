"""Block and unblock an account: used by every action that does. The caller holds its row."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.actions.minting import message
from services.mithril_api.actions.oauth2.owe_logouts import owe_logouts
from services.mithril_api.deps import Deps
from services.mithril_api.store import factor_locks, tokens, users
from services.mithril_api.store.users import User
from shared.events.accounts import UserBlocked, UserUnblocked
from shared.events.tokens import TokensRevoked
from shared.models.ids import UserId
from shared.runtime import outbox


async def mark_blocked(
    deps: Deps, conn: AsyncConnection, user_id: UserId, reason: str | None, *, now: datetime
) -> User:
    """The account, blocked and published; its tokens are as they were, and nothing takes them.

    Clients hear that its sessions are over.
    """
    blocked = {"is_blocked": True, "block_reason": reason}
    user = await users.change(conn, user_id, blocked, at=now)
    await owe_logouts(deps, conn, user_id, sid=None, now=now)
    told = UserBlocked(user_id=user_id, reason=reason)
    await outbox.put(conn, message(deps, told, at=now))
    return user


async def block(
    deps: Deps, conn: AsyncConnection, user_id: UserId, reason: str | None, *, now: datetime
) -> User:
    """The account, blocked; its tokens are revoked, and both are published."""
    user = await mark_blocked(deps, conn, user_id, reason, now=now)
    count = await tokens.revoke(conn, tokens.of_user(user_id), at=now)
    if count:
        told = TokensRevoked(
            selector="user", reason="user_blocked", user_id=user_id, count=count
        )
        await outbox.put(conn, message(deps, told, at=now))
    return user


async def unblock(
    deps: Deps, conn: AsyncConnection, user_id: UserId, reason: str | None, *, now: datetime
) -> User:
    """The account, open again, its failures forgotten; what was revoked stays so."""
    unblocked = {"is_blocked": False, "block_reason": reason}
    user = await users.change(conn, user_id, unblocked, at=now)
    await users.forget_failed_logins(conn, user_id)
    await factor_locks.forget(conn, user_id)
    told = UserUnblocked(user_id=user_id, reason=reason)
    await outbox.put(conn, message(deps, told, at=now))
    return user
