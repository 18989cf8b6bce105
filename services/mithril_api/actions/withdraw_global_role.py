"""Take a role everywhere from a user: one transaction."""

from services.mithril_api.actions.minting import message
from services.mithril_api.deps import Deps
from services.mithril_api.domain.refusals import Reason, Refused
from services.mithril_api.store import global_user_roles
from services.mithril_api.store.global_user_roles import GlobalUserRoleId
from shared.events.accounts import UserRoleWithdrawn
from shared.models.ids import UserId
from shared.runtime import outbox


async def withdraw_global_role(
    deps: Deps, user_id: UserId, granted_id: GlobalUserRoleId
) -> Refused | None:
    """None: it is gone."""
    async with deps.db.begin() as conn:
        role_id = await global_user_roles.remove(conn, user_id, granted_id)
        if role_id is None:
            return Refused(Reason.NOT_FOUND)
        told = UserRoleWithdrawn(user_id=user_id, role_id=role_id, client_id=None)
        await outbox.put(conn, message(deps, told, at=deps.clock.now()))
    deps.committed()
    return None
