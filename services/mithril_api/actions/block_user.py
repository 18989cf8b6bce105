"""Block a user and end all their sessions: one transaction."""

from services.mithril_api.actions.blocking import block
from services.mithril_api.deps import Deps
from services.mithril_api.domain.refusals import Reason, Refused
from services.mithril_api.store import users
from services.mithril_api.store.users import User
from shared.models.ids import UserId
from shared.runtime.postgres import retrying


async def block_user(deps: Deps, user_id: UserId, reason: str | None) -> User | Refused:
    """The blocked account. Of two blocks at once, the second finds it blocked."""
    outcome = await retrying(lambda: _block(deps, user_id, reason))
    deps.committed()
    return outcome


async def _block(deps: Deps, user_id: UserId, reason: str | None) -> User | Refused:
    async with deps.db.begin() as conn:
        user = await users.hold(conn, user_id)
        if user is None:
            return Refused(Reason.NOT_FOUND)
        if user.is_blocked:
            return Refused(Reason.USER_ALREADY_BLOCKED)
        return await block(deps, conn, user_id, reason, now=deps.clock.now())
