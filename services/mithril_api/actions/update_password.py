"""Set a new password with a change_password_token, which serves once (spec §1.3 O7)."""

from typing import TypeAlias

from services.mithril_api.actions.set_password import Prepared, prepare, set_password
from services.mithril_api.deps import Deps
from services.mithril_api.domain import bearers
from services.mithril_api.domain.records import Token
from services.mithril_api.domain.refusals import Reason, Refused, Unfit
from services.mithril_api.store import tokens, users
from services.mithril_api.store.users import User
from shared.models.ids import UserId
from shared.models.tokens import TokenName
from shared.runtime.postgres import retrying

_WANTED = TokenName.CHANGE_PASSWORD

Outcome: TypeAlias = User | Refused | Unfit


async def update_password(deps: Deps, *, bearer: str, password: str) -> Outcome:
    """The account with its new password; whatever session it had is over.

    A password that breaks a rule does not spend the token.
    """
    token = await _usable(deps, bearer)
    if isinstance(token, Refused):
        return token
    prepared = await prepare(deps, token.user_id, password)
    if isinstance(prepared, Unfit):
        return prepared
    outcome = await retrying(lambda: _change(deps, bearer, token.user_id, prepared))
    deps.committed()
    return outcome


async def _usable(deps: Deps, bearer: str) -> Token | Refused:
    async with deps.db.begin() as conn:
        token = await tokens.lock_presented(conn, bearer, preferred=_WANTED)
        return bearers.judge(token, wanted=_WANTED, now=deps.clock.now())


async def _change(deps: Deps, bearer: str, user_id: UserId, prepared: Prepared) -> Outcome:
    async with deps.db.begin() as conn:
        # The user first, then tokens: the order in which a block goes, too.
        user = await users.hold(conn, user_id)
        token = await tokens.lock_presented(conn, bearer, preferred=_WANTED)
        now = deps.clock.now()  # after the locks
        verdict = bearers.judge(token, wanted=_WANTED, now=now)
        if isinstance(verdict, Refused):
            return verdict
        if user is None:
            return Refused(Reason.TOKEN_INVALID)
        if user.is_blocked:
            return Refused(Reason.USER_BLOCKED)
        unfit = await set_password(deps, conn, user, prepared, by="user", now=now)
        if unfit is not None:
            return unfit
        await tokens.spend(conn, verdict, at=now)
        changed = await users.by_id(conn, user_id)
        assert changed is not None  # noqa: S101 — its row is held
        return changed
