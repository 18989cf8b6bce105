"""Give a user a role in a client: one transaction."""

from dataclasses import dataclass

from sqlalchemy.exc import IntegrityError

from services.mithril_api.actions.minting import message
from services.mithril_api.deps import Deps
from services.mithril_api.domain.refusals import Clash
from services.mithril_api.store import user_roles, violations
from services.mithril_api.store.user_roles import UserRole, UserRoleId
from shared.events.accounts import UserRoleGranted
from shared.models.ids import ClientId, RoleId, UserId
from shared.runtime import outbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """What was given, and what it holds."""

    role: UserRole
    scope: tuple[str, ...]


async def grant_role(
    deps: Deps, *, user_id: UserId, role_id: RoleId, client_id: ClientId
) -> Granted | Clash:
    """The new grant. The database says whether there is one already, or nothing to grant."""
    now = deps.clock.now()
    role = UserRole(
        id=UserRoleId(deps.entropy.uuid()),
        user_id=user_id,
        role_id=role_id,
        client_id=client_id,
        inserted_at=now,
        updated_at=now,
    )
    told = UserRoleGranted(user_id=user_id, role_id=role_id, client_id=client_id)
    try:
        async with deps.db.begin() as conn:
            scope = await user_roles.add(conn, role)
            await outbox.put(conn, message(deps, told, at=now))
    except IntegrityError as error:
        return violations.clash_of(error)
    deps.committed()
    return Granted(role=role, scope=scope)
