"""Complete a sign-in by its second factor (spec §3.7): one transaction, one answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, TypeAlias, assert_never

from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.actions import proving
from services.mithril_api.actions.completing import complete
from services.mithril_api.actions.minting import message
from services.mithril_api.actions.proving import Proven
from services.mithril_api.deps import Deps
from services.mithril_api.domain import second_factors as rules
from services.mithril_api.domain.factors import (
    ASKED_BY_CODE,
    ActiveFactor,
    FactorId,
    FactorType,
    choose,
)
from services.mithril_api.domain.minting import Minted
from services.mithril_api.domain.records import Token
from services.mithril_api.domain.refusals import Reason, Refused
from services.mithril_api.domain.second_factors import Standing
from services.mithril_api.store import factors, standing, tokens
from shared.events.accounts import LoginFailed
from shared.runtime import outbox
from shared.runtime.postgres import retrying

GRANT = "authorize_2fa_access_token"


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeShown:
    """A code, of the factor named or of the one asked for first."""

    bearer: str = field(repr=False)
    code: str = field(repr=False)
    factor_id: FactorId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyShown:
    """What a browser answered to `webauthn_options`."""

    bearer: str = field(repr=False)
    answer: Mapping[str, Any] = field(repr=False)


Shown: TypeAlias = CodeShown | PasskeyShown


async def authorize_2fa(deps: Deps, shown: Shown) -> Minted | Refused:
    """The session. However many answers at once, each is counted, and one completes it."""
    outcome = await retrying(partial(_authorize, deps, shown))
    kind = "passkey" if isinstance(shown, PasskeyShown) else "code"
    result = outcome.reason.name.lower() if isinstance(outcome, Refused) else "accepted"
    deps.metrics.second_factors.labels(kind, result).inc()
    deps.committed()
    return outcome


async def _authorize(deps: Deps, shown: Shown) -> Minted | Refused:
    async with deps.sign_ins, deps.db.begin() as conn:
        known = await standing.hold(conn, shown.bearer)
        now = deps.clock.now()  # after the locks
        pending = rules.judge_pending(known, now=now)
        if isinstance(pending, Refused):
            return pending
        proven = await _prove(deps, conn, pending, known, shown, now=now)
        if isinstance(proven, Refused):
            return await _turn_away(deps, conn, pending, proven, now=now)
        return await complete(deps, conn, pending, method=proven.method, now=now)


async def _prove(
    deps: Deps,
    conn: AsyncConnection,
    pending: Token,
    known: Standing,
    shown: Shown,
    *,
    now: datetime,
) -> Proven | Refused:
    match shown:
        case CodeShown(code=code, factor_id=factor_id):
            factor = choose(known.factors, kinds=ASKED_BY_CODE, factor_id=factor_id)
            if isinstance(factor, Refused):
                return factor
            return await _prove_by_code(deps, conn, pending, factor, code, now=now)
        case PasskeyShown(answer=answer):
            return await _prove_by_passkey(deps, conn, pending, answer, now=now)
        case _:
            assert_never(shown)


async def _prove_by_code(
    deps: Deps,
    conn: AsyncConnection,
    pending: Token,
    factor: ActiveFactor,
    code: str,
    *,
    now: datetime,
) -> Proven | Refused:
    if factor.kind is FactorType.TOTP:
        proven = await proving.prove_app(deps, conn, factor, code, now=now)
    else:
        proven = await proving.prove_sent(
            deps,
            conn,
            user_id=pending.user_id,
            token_id=pending.id,
            number=factor.number or "",
            code=code,
            now=now,
        )
    if isinstance(proven, Proven):
        await factors.mark_used(conn, factor.id, at=now)
    return proven


async def _prove_by_passkey(
    deps: Deps,
    conn: AsyncConnection,
    pending: Token,
    answer: Mapping[str, Any],
    *,
    now: datetime,
) -> Proven | Refused:
    challenge = rules.challenge_of(pending, now=now)
    if challenge is None:
        return Refused(Reason.PASSKEY_INVALID)
    # A challenge serves once, whatever comes of it.
    await tokens.note_details(conn, pending, rules.lasting(pending.details))
    return await proving.prove_passkey(
        deps, conn, pending.user_id, answer, challenge=challenge, now=now
    )


async def _turn_away(
    deps: Deps, conn: AsyncConnection, pending: Token, refused: Refused, *, now: datetime
) -> Refused:
    if pending.client_id is not None:
        failed = LoginFailed(
            user_id=pending.user_id,
            client_id=pending.client_id,
            grant_type=GRANT,
            reason=refused.reason.name.lower(),
        )
        await outbox.put(conn, message(deps, failed, at=now))
    return refused
