"""Change a password by knowing the present one (spec §1.4)."""

from typing import TypeAlias

from services.mithril_api.actions.set_password import Prepared, prepare, set_password
from services.mithril_api.deps import Deps
from services.mithril_api.domain import passwords
from services.mithril_api.domain.refusals import Reason, Refused, Unfit
from services.mithril_api.store import users
from services.mithril_api.store.users import User
from shared.models.ids import UserId
from shared.runtime.postgres import retrying

Outcome: TypeAlias = User | Refused | Unfit

_MISMATCH = Unfit((passwords.mismatch(),))


async def change_password(
    deps: Deps, user_id: UserId, *, current: str, password: str
) -> Outcome:
    """The account with its new password; every session it had is over."""
    async with deps.db.read() as conn:
        user = await users.by_id(conn, user_id)
    if user is None:
        return Refused(Reason.NOT_FOUND)
    if not await deps.passwords.matches(user.password_hash, current):
        return _MISMATCH
    prepared = await prepare(deps, user_id, password)
    if isinstance(prepared, Unfit):
        return prepared
    outcome = await retrying(lambda: _change(deps, user, current, prepared))
    deps.committed()
    return outcome


async def _change(deps: Deps, known: User, current: str, prepared: Prepared) -> Outcome:
    async with deps.db.begin() as conn:
        user = await users.hold(conn, known.id)
        if user is None:
            return Refused(Reason.NOT_FOUND)
        if user.password_hash != known.password_hash and not await deps.passwords.matches(
            user.password_hash, current
        ):
            return _MISMATCH  # it was changed by somebody else meanwhile
        now = deps.clock.now()  # after the lock
        unfit = await set_password(deps, conn, user, prepared, by="user", now=now)
        if unfit is not None:
            return unfit
        changed = await users.by_id(conn, user.id)
        assert changed is not None  # noqa: S101 — its row is held
        return changed
