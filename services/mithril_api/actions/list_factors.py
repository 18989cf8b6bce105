"""List the factors of whoever holds a session: one question."""

from services.mithril_api.deps import Deps
from services.mithril_api.domain import second_factors as rules
from services.mithril_api.domain.bearers import is_session
from services.mithril_api.domain.refusals import Reason, Refused
from services.mithril_api.store import factors, standing
from services.mithril_api.store.factors import Factor
from shared.models.tokens import TokenName


async def list_factors(deps: Deps, bearer: str) -> list[Factor] | Refused:
    """Those that may complete a sign-in. A client's token, by a consent, does not see them."""
    async with deps.sign_ins, deps.db.begin() as conn:
        known = await standing.hold(conn, bearer, preferred=TokenName.ACCESS)
        token = rules.judge_setting_up(known, now=deps.clock.now())
        if isinstance(token, Refused):
            return token
        if token.name is not TokenName.ACCESS or not is_session(token):
            return Refused(Reason.TOKEN_INVALID_TYPE)
        active = await factors.active_of(conn, token.user_id)
        return [factor for factor in active if factor.is_ready]
