"""Sign in with a password: one transaction.

What takes its time is done outside of any: the password is compared, a code is sent. After
each, everything is judged anew.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TypeAlias, assert_never

from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.actions import sending_codes
from services.mithril_api.actions.minting import message, mint
from services.mithril_api.actions.sending_codes import Reserved
from services.mithril_api.actions.superseding import supersede
from services.mithril_api.deps import Deps
from services.mithril_api.domain import sign_in as rules
from services.mithril_api.domain import step_up
from services.mithril_api.domain.factors import ActiveFactor
from services.mithril_api.domain.minting import Minted, issued
from services.mithril_api.domain.refusals import Reason, Refused
from services.mithril_api.domain.sign_in import (
    Admit,
    Checked,
    CheckPassword,
    Denied,
    Grant,
    Limits,
    Mistaken,
    NextStep,
    Recognised,
    Verdict,
)
from services.mithril_api.store import passwords, signing_in, tokens, users
from shared.events.accounts import LoginFailed, LoginSucceeded
from shared.events.envelope import Event
from shared.models.ids import ClientId, UserId
from shared.models.tokens import TokenName
from shared.runtime import outbox
from shared.runtime.postgres import retrying


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInAsked:
    """One attempt, its fields already checked for shape."""

    grant: Grant
    client_id: ClientId
    email: str
    password: str = field(repr=False)
    scope: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A token, and what the sign-in page does with it."""

    minted: Minted
    next_step: NextStep
    factors: tuple[
        ActiveFactor, ...
    ] = ()  # any of them completes it; the first is asked for


Outcome: TypeAlias = SignedIn | Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class _Comparison:
    """What came of the password, and the same password hashed anew where that is due."""

    checked: Checked
    renewed_hash: str | None = field(default=None, repr=False)


async def sign_in(deps: Deps, asked: SignInAsked) -> Outcome:
    """The outcome of one attempt; every mark it leaves is committed.

    No more failures are ever answered as such than the limit allows: they are counted while
    the user's row is held. A block or a change of password under way is waited for, and the
    password compared again where its hash is another one now. A code is sent before the
    token that it is for is given: where it cannot be, every session is as it was.
    """
    made: _Comparison | None = None
    sent: Reserved | None = None
    while True:
        settled = await retrying(partial(_settle, deps, asked, made, sent))
        match settled:
            case CheckPassword():
                made = await _compare(deps, asked, settled)
            case Reserved():
                await _forgo(deps, sent)
                if (refused := await sending_codes.send(deps, settled)) is not None:
                    return await _not_sent(deps, asked, settled, refused)
                sent = settled
            case _:
                break
    if not isinstance(settled, SignedIn):
        await _forgo(deps, sent)
    if settled == Refused(Reason.USER_UNKNOWN):
        await deps.passwords.matches(None, asked.password)  # takes as long as for a user
    deps.committed()
    return settled


async def _forgo(deps: Deps, sent: Reserved | None) -> None:
    if sent is not None:
        await sending_codes.cancel(deps, sent)


async def _not_sent(
    deps: Deps, asked: SignInAsked, reserved: Reserved, refused: Refused
) -> Refused:
    async with deps.db.begin() as conn:
        now = deps.clock.now()
        await _turn_away(deps, conn, asked, reserved.user_id, refused, now=now)
    deps.committed()
    return refused


async def _compare(deps: Deps, asked: SignInAsked, wanted: CheckPassword) -> _Comparison:
    stored = wanted.password_hash
    is_right = await deps.passwords.matches(stored, asked.password)
    renewed = None
    if is_right and deps.passwords.is_outdated(stored):
        renewed = await deps.passwords.hash(asked.password)
    checked = Checked(user_id=wanted.user_id, password_hash=stored, is_right=is_right)
    return _Comparison(checked=checked, renewed_hash=renewed)


async def _settle(
    deps: Deps, asked: SignInAsked, made: _Comparison | None, sent: Reserved | None
) -> Outcome | CheckPassword | Reserved:
    async with deps.sign_ins, deps.db.begin() as conn:
        if made is not None:
            await users.hold(conn, made.checked.user_id)
        now = deps.clock.now()  # after the lock
        verdict = await _judge(deps, conn, asked, made, now=now)
        match verdict:
            case Recognised(user_id=user_id, decision=decision):
                await users.forget_failed_logins(conn, user_id)
                if made is not None and made.renewed_hash is not None:
                    await passwords.renew(conn, user_id, made.renewed_hash)
                if isinstance(decision, Admit):
                    return await _admit(
                        deps, conn, asked, user_id, decision, sent=sent, now=now
                    )
                return await _turn_away(deps, conn, asked, user_id, decision, now=now)
            case Mistaken(user_id=user_id):
                since = now - _period(deps)
                await signing_in.count_failure(
                    conn, user_id, at=now, forgotten_before=since
                )
                wrong = Refused(Reason.PASSWORD_WRONG)
                return await _turn_away(deps, conn, asked, user_id, wrong, now=now)
            case Denied(user_id=user_id, refusal=refusal):
                return await _turn_away(deps, conn, asked, user_id, refusal, now=now)
            case Refused() | CheckPassword():
                return verdict
            case _:
                assert_never(verdict)


async def _judge(
    deps: Deps,
    conn: AsyncConnection,
    asked: SignInAsked,
    made: _Comparison | None,
    *,
    now: datetime,
) -> Verdict:
    facts = await signing_in.facts_for(
        conn,
        client_id=asked.client_id,
        email=asked.email,
        failures_since=now - _period(deps),
    )
    return rules.judge(
        facts,
        grant=asked.grant,
        scope=asked.scope,
        checked=None if made is None else made.checked,
        limits=Limits(
            failures=deps.settings.max_failed_logins,
            password_lives=timedelta(days=deps.settings.password_expiration_days),
        ),
        now=now,
    )


async def _admit(
    deps: Deps,
    conn: AsyncConnection,
    asked: SignInAsked,
    user_id: UserId,
    admit: Admit,
    *,
    sent: Reserved | None,
    now: datetime,
) -> SignedIn | Reserved | Refused:
    number = admit.number()
    if number is not None and (sent is None or sent.number != number):
        reserved = await sending_codes.reserve(deps, conn, user_id, number, now=now)
        if isinstance(reserved, Refused):
            return await _turn_away(deps, conn, asked, user_id, reserved, now=now)
        return reserved
    details = step_up.details([step_up.PASSWORD], now=now)
    if admit.scope_request is not None:
        details["scope_request"] = admit.scope_request
    minted = mint(
        deps,
        admit.name,
        user_id=user_id,
        client_id=asked.client_id,
        scope=admit.scope,
        grant_type=asked.grant,
        now=now,
        expires_at=now + deps.settings.access_token_ttl(),
        details=details,
        token_id=None if number is None or sent is None else sent.token_id,
    )
    events = await supersede(deps, conn, minted.token, now=now)
    events.append(message(deps, issued(minted.token), at=now))
    if admit.name is not TokenName.SECOND_FACTOR:
        succeeded = LoginSucceeded(
            user_id=user_id,
            client_id=asked.client_id,
            grant_type=asked.grant,
            token_id=minted.token.id,
        )
        events.append(message(deps, succeeded, at=now))
    await tokens.add(conn, [minted.token], events)
    return SignedIn(minted=minted, next_step=admit.next_step, factors=admit.factors)


async def _turn_away(
    deps: Deps,
    conn: AsyncConnection,
    asked: SignInAsked,
    user_id: UserId,
    refusal: Refused,
    *,
    now: datetime,
) -> Refused:
    failed: Event = LoginFailed(
        user_id=user_id,
        client_id=asked.client_id,
        grant_type=asked.grant,
        reason=refusal.reason.name.lower(),
    )
    await outbox.put(conn, message(deps, failed, at=now))
    return refusal


def _period(deps: Deps) -> timedelta:
    return timedelta(minutes=deps.settings.max_failed_logins_period)
