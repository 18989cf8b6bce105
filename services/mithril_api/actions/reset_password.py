"""Set a new password by the link of a mail, which serves once."""

from typing import TypeAlias

from services.mithril_api.actions.set_password import Prepared, prepare, set_password
from services.mithril_api.deps import Deps
from services.mithril_api.domain.recovery import Recovery, usable
from services.mithril_api.domain.refusals import Reason, Refused, Unfit
from services.mithril_api.store import recoveries, users
from services.mithril_api.store.users import User
from shared.models.ids import UserId
from shared.runtime.postgres import retrying

Outcome: TypeAlias = User | Refused | Unfit

_GONE = Refused(Reason.NOT_FOUND)  # unknown, used and expired look the same


async def reset_password(deps: Deps, *, value: str, password: str) -> Outcome:
    """The account with its new password; every session it had is over.

    A password that breaks a rule does not spend the link. Of two uses at once one counts.
    """
    known = await _usable(deps, value)
    if known is None:
        return _GONE
    prepared = await prepare(deps, known.user_id, password)
    if isinstance(prepared, Unfit):
        return prepared
    outcome = await retrying(lambda: _change(deps, value, known.user_id, prepared))
    deps.committed()
    return outcome


async def _usable(deps: Deps, value: str) -> Recovery | None:
    async with deps.db.read() as conn:
        found = await recoveries.by_value(conn, value)
    return usable(found, now=deps.clock.now())


async def _change(deps: Deps, value: str, user_id: UserId, prepared: Prepared) -> Outcome:
    async with deps.db.begin() as conn:
        user = await users.hold(conn, user_id)
        found = await recoveries.by_value(
            conn, value
        )  # after the lock: of two, one is there
        now = deps.clock.now()
        if user is None or usable(found, now=now) is None:
            return _GONE
        if user.is_blocked:
            return Refused(Reason.USER_BLOCKED)
        unfit = await set_password(deps, conn, user, prepared, by="user", now=now)
        if unfit is not None:
            return unfit
        await users.forget_failed_logins(conn, user_id)
        changed = await users.by_id(conn, user_id)
        assert changed is not None  # noqa: S101 — its row is held
        return changed
