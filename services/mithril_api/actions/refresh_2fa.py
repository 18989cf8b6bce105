"""Send the code of a pending sign-in anew (spec §3.7): for a token that takes its place."""

from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TypeAlias

from services.mithril_api.actions import sending_codes
from services.mithril_api.actions.completing import hand_on
from services.mithril_api.actions.sending_codes import Reserved
from services.mithril_api.deps import Deps
from services.mithril_api.domain import second_factors as rules
from services.mithril_api.domain.factors import (
    ActiveFactor,
    FactorId,
    FactorType,
    choose,
    ready,
)
from services.mithril_api.domain.minting import Minted
from services.mithril_api.domain.records import Token
from services.mithril_api.domain.refusals import Refused
from services.mithril_api.domain.second_factors import Standing
from services.mithril_api.store import standing
from shared.runtime.postgres import retrying


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The token that the code is for, and by which factors it can be completed."""

    minted: Minted
    factors: tuple[ActiveFactor, ...]
    asked: ActiveFactor


Outcome: TypeAlias = Sent | Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class ResendAsked:
    """Whose sign-in, and to which of their factors."""

    bearer: str = field(repr=False)
    factor_id: FactorId | None = None


async def refresh_2fa(deps: Deps, asked: ResendAsked) -> Outcome:
    """The new token. Where no code can be sent, the former one is as it was, its code too."""
    reserved = await retrying(partial(_reserve, deps, asked))
    if isinstance(reserved, Refused):
        return reserved
    refused = await sending_codes.send(deps, reserved)
    if refused is not None:
        return refused
    outcome = await retrying(partial(_hand_over, deps, asked, reserved))
    if isinstance(outcome, Refused):
        await sending_codes.cancel(deps, reserved)
    deps.committed()
    return outcome


async def _reserve(deps: Deps, asked: ResendAsked) -> Reserved | Refused:
    async with deps.sign_ins, deps.db.begin() as conn:
        known = await standing.hold(conn, asked.bearer)
        now = deps.clock.now()  # after the locks
        going_on = _going_on(known, asked, now=now)
        if isinstance(going_on, Refused):
            return going_on
        pending, factor = going_on
        number = factor.number or ""
        return await sending_codes.reserve(deps, conn, pending.user_id, number, now=now)


async def _hand_over(deps: Deps, asked: ResendAsked, reserved: Reserved) -> Outcome:
    async with deps.sign_ins, deps.db.begin() as conn:
        known = await standing.hold(conn, asked.bearer)
        now = deps.clock.now()  # after the locks
        going_on = _going_on(known, asked, now=now)
        if isinstance(going_on, Refused):
            return going_on
        pending, factor = going_on
        minted = await hand_on(
            deps, conn, pending, pending.details, token_id=reserved.token_id, now=now
        )
        return Sent(minted=minted, factors=tuple(ready(known.factors)), asked=factor)


def _going_on(
    known: Standing, asked: ResendAsked, *, now: datetime
) -> tuple[Token, ActiveFactor] | Refused:
    pending = rules.judge_pending(known, now=now)
    if isinstance(pending, Refused):
        return pending
    factor = choose(known.factors, kinds={FactorType.SMS}, factor_id=asked.factor_id)
    return factor if isinstance(factor, Refused) else (pending, factor)
