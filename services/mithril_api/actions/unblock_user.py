"""Let a user act again: one transaction."""

from services.mithril_api.actions.blocking import unblock
from services.mithril_api.deps import Deps
from services.mithril_api.domain.refusals import Reason, Refused
from services.mithril_api.store import users
from services.mithril_api.store.users import User
from shared.models.ids import UserId


async def unblock_user(deps: Deps, user_id: UserId, reason: str | None) -> User | Refused:
    """The account, open again. Of two at once, the second finds it open."""
    async with deps.db.begin() as conn:
        user = await users.hold(conn, user_id)
        if user is None:
            return Refused(Reason.NOT_FOUND)
        if not user.is_blocked:
            return Refused(Reason.USER_ALREADY_UNBLOCKED)
        outcome = await unblock(deps, conn, user_id, reason, now=deps.clock.now())
    deps.committed()
    return outcome
