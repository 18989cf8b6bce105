"""Take roles in clients from users: one transaction."""

from sqlalchemy import ColumnElement

from services.mithril_api.actions.minting import message
from services.mithril_api.deps import Deps
from services.mithril_api.store import user_roles
from shared.events.accounts import UserRoleWithdrawn
from shared.runtime import outbox
from shared.runtime.postgres import retrying


async def withdraw_roles(deps: Deps, chosen: ColumnElement[bool]) -> int:
    """How many there were of those that `user_roles.matching` or `is_one` chose.

    Tokens stay: at the next refresh their scope is narrowed to what roles still hold (D2).
    """
    count = await retrying(lambda: _withdraw(deps, chosen))
    deps.committed()
    return count


async def _withdraw(deps: Deps, chosen: ColumnElement[bool]) -> int:
    now = deps.clock.now()
    async with deps.db.begin() as conn:
        gone = await user_roles.remove(conn, chosen)
        told = [
            UserRoleWithdrawn(
                user_id=role.user_id, role_id=role.role_id, client_id=role.client_id
            )
            for role in gone
        ]
        await outbox.put_many(conn, [message(deps, event, at=now) for event in told])
    return len(gone)
