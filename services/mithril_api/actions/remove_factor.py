"""Remove one of a user's own factors: one transaction."""

from dataclasses import dataclass
from functools import partial

from services.mithril_api.actions.minting import message
from services.mithril_api.actions.telling import Told, tell, tell_former_number
from services.mithril_api.deps import Deps
from services.mithril_api.domain import second_factors as rules
from services.mithril_api.domain import step_up
from services.mithril_api.domain.factors import FactorId, FactorType, ready
from services.mithril_api.domain.records import Token
from services.mithril_api.domain.refusals import Reason, Refused
from services.mithril_api.store import factors, standing
from shared.models.tokens import TokenName
from shared.runtime import outbox
from shared.runtime.postgres import retrying


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """By whose token a factor went."""

    token: Token
    told: Told


async def remove_factor(deps: Deps, bearer: str, factor_id: FactorId) -> Token | Refused:
    """The token of who did it. The last factor stays: another has to be set up first."""
    outcome = await retrying(partial(_remove, deps, bearer, factor_id))
    deps.committed()
    if isinstance(outcome, Refused):
        return outcome
    deps.owed()
    await tell_former_number(deps, outcome.told)
    return outcome.token


async def _remove(deps: Deps, bearer: str, factor_id: FactorId) -> Removed | Refused:
    async with deps.sign_ins, deps.db.begin() as conn:
        known = await standing.hold(conn, bearer, preferred=TokenName.ACCESS)
        now = deps.clock.now()  # after the locks
        token = rules.judge_setting_up(known, now=now)
        if isinstance(token, Refused):
            return token
        if token.name is not TokenName.ACCESS:
            return Refused(Reason.TOKEN_INVALID_TYPE)
        factor = await factors.by_id(conn, token.user_id, factor_id)
        if factor is None or not factor.is_active:
            return Refused(Reason.NOT_FOUND)
        within = deps.settings.step_up_window()
        refused = step_up.judge(token, known.factors, within=within, now=now)
        if refused is not None:
            return refused
        if not [other for other in ready(known.factors) if other.id != factor_id]:
            return Refused(Reason.FACTOR_IS_LAST)
        await factors.remove(conn, factor)
        told = Told(
            factor_id=factor_id,
            kind=FactorType(factor.type),
            change="removed",
            former_number=factor.factor,
        )
        event = await tell(deps, conn, token.user_id, told, now=now)
        await outbox.put(conn, message(deps, event, at=now))
        return Removed(token=token, told=told)
