"""Reset, disable or enable a second factor: one transaction."""

from datetime import datetime
from typing import assert_never

from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.actions.minting import message
from services.mithril_api.deps import Deps
from services.mithril_api.domain import factors as rules
from services.mithril_api.domain.factors import FactorAction, FactorId
from services.mithril_api.domain.refusals import Reason, Refused
from services.mithril_api.store import factors, users
from services.mithril_api.store.factors import Factor
from shared.events.accounts import FactorChanged
from shared.models.ids import UserId
from shared.runtime import outbox


async def change_factor(
    deps: Deps, user_id: UserId, factor_id: FactorId, action: FactorAction
) -> Factor | Refused:
    """The factor afterwards. Of two alike at once, the second finds the work done.

    One that was reset still counts: its user has to set up a factor at the next sign-in.
    """
    async with deps.db.begin() as conn:
        await users.hold(conn, user_id)  # whatever is done to factors takes turns
        held = await factors.by_id(conn, user_id, factor_id)
        refusal = rules.refusal_of(
            action, is_active=None if held is None else held.is_active
        )
        if held is None or refusal is not None:
            return Refused(refusal or Reason.NOT_FOUND)
        now = deps.clock.now()  # after the lock
        changed = await _change(conn, held, action, now=now)
        told = FactorChanged(
            user_id=user_id,
            factor_id=factor_id,
            factor_type=changed.type,
            change=rules.told_as(action),
        )
        await outbox.put(conn, message(deps, told, at=now))
    deps.committed()
    return changed


async def _change(
    conn: AsyncConnection, held: Factor, action: FactorAction, *, now: datetime
) -> Factor:
    match action:
        case FactorAction.RESET:
            return await factors.reset(conn, held, at=now)
        case FactorAction.DISABLE | FactorAction.ENABLE:
            is_active = action is FactorAction.ENABLE
            return await factors.set_active(conn, held, is_active=is_active, at=now)
        case _:
            assert_never(action)
