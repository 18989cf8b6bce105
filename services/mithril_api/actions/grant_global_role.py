"""Give a user a role everywhere: one transaction."""

from sqlalchemy.exc import IntegrityError

from services.mithril_api.actions.minting import message
from services.mithril_api.deps import Deps
from services.mithril_api.domain.refusals import Clash
from services.mithril_api.store import global_user_roles, violations
from services.mithril_api.store.global_user_roles import GlobalUserRole, GlobalUserRoleId
from shared.events.accounts import UserRoleGranted
from shared.models.ids import RoleId, UserId
from shared.runtime import outbox


async def grant_global_role(
    deps: Deps, *, user_id: UserId, role_id: RoleId
) -> GlobalUserRole | Clash:
    """The grant as it is stored; one that there is already is no fault, and no news."""
    now = deps.clock.now()
    new_id = GlobalUserRoleId(deps.entropy.uuid())
    try:
        async with deps.db.begin() as conn:
            granted = await global_user_roles.grant(
                conn, new_id=new_id, user_id=user_id, role_id=role_id, now=now
            )
            if granted.id == new_id:
                told = UserRoleGranted(user_id=user_id, role_id=role_id, client_id=None)
                await outbox.put(conn, message(deps, told, at=now))
    except IntegrityError as error:
        return violations.clash_of(error)
    deps.committed()
    return granted
