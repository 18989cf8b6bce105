"""Reset, disable or enable a second factor: one transaction."""

from collections.abc import Mapping
from typing import Any

from services.mithril_api.actions.minting import message
from services.mithril_api.deps import Deps
from services.mithril_api.domain import factors as rules
from services.mithril_api.domain.factors import FactorAction
from services.mithril_api.domain.refusals import Refused
from services.mithril_api.store import factors
from services.mithril_api.store.factors import Factor, FactorId
from shared.events.accounts import FactorChanged
from shared.models.ids import UserId
from shared.runtime import outbox

_CHANGES: Mapping[FactorAction, Mapping[str, Any]] = {
    FactorAction.RESET: {"factor": None},
    FactorAction.DISABLE: {"is_active": False},
    FactorAction.ENABLE: {"is_active": True},
}


async def change_factor(
    deps: Deps, user_id: UserId, factor_id: FactorId, action: FactorAction
) -> Factor | Refused:
    """The factor afterwards. Of two alike at once, the second finds the work done."""
    async with deps.db.begin() as conn:
        held = await factors.hold(conn, user_id, factor_id)
        refusal = rules.refusal_of(
            action, is_active=None if held is None else held.is_active
        )
        if refusal is not None:
            return Refused(refusal)
        now = deps.clock.now()  # after the lock
        changed = await factors.change(conn, factor_id, _CHANGES[action], at=now)
        told = FactorChanged(
            user_id=user_id,
            factor_id=factor_id,
            factor_type=changed.type,
            change=rules.told_as(action),
        )
        await outbox.put(conn, message(deps, told, at=now))
    deps.committed()
    return changed
