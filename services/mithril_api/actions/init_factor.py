"""Begin to set up a second factor (spec §1.3 O5): a token by which it is approved."""

from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, TypeAlias, assert_never

from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.actions import sending_codes
from services.mithril_api.actions.completing import hand_on
from services.mithril_api.actions.passkey_options import new_challenge
from services.mithril_api.actions.proving import seal_secret
from services.mithril_api.actions.sending_codes import Reserved
from services.mithril_api.deps import Deps
from services.mithril_api.domain import passkeys, step_up, totp
from services.mithril_api.domain import second_factors as rules
from services.mithril_api.domain.factors import MOST_PASSKEYS, FactorType
from services.mithril_api.domain.minting import Minted
from services.mithril_api.domain.records import Token
from services.mithril_api.domain.refusals import Reason, Refused
from services.mithril_api.domain.second_factors import Setup, Standing
from services.mithril_api.store import factors, standing
from services.mithril_api.store import passkeys as passkey_store
from shared.models.tokens import TokenName
from shared.runtime.postgres import retrying


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupAsked:
    """Which factor: a number has to be sent to, the others may have a name."""

    bearer: str = field(repr=False)
    kind: FactorType
    number: str | None = field(default=None, repr=False)
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewApp:
    """What an authenticator app has to be told. It is shown this once."""

    secret: str = field(repr=False)
    uri: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """The token, and what the user needs beside it."""

    minted: Minted
    app: NewApp | None = None
    webauthn: dict[str, Any] | None = None


Outcome: TypeAlias = Begun | Refused


async def init_factor(deps: Deps, asked: SetupAsked) -> Outcome:
    """The token by which the factor is approved. Where no code can be sent, nothing changed."""
    begun = await retrying(partial(_begin, deps, asked, None))
    if isinstance(begun, Reserved):
        reserved = begun
        refused = await sending_codes.send(deps, reserved)
        if refused is not None:
            return refused
        begun = await retrying(partial(_begin, deps, asked, reserved))
        if isinstance(begun, Refused):
            await sending_codes.cancel(deps, reserved)
    assert not isinstance(begun, Reserved)  # noqa: S101 — asked for one already sent
    deps.committed()
    return begun


async def refusal_of_bearer(deps: Deps, bearer: str) -> Refused | None:
    """Why a token serves no setup at all: told before what is wrong with the request."""
    async with deps.sign_ins, deps.db.begin() as conn:
        known = await standing.hold(conn, bearer, preferred=TokenName.ACCESS)
        judged = rules.judge_setting_up(known, now=deps.clock.now())
        return judged if isinstance(judged, Refused) else None


async def _begin(
    deps: Deps, asked: SetupAsked, sent: Reserved | None
) -> Outcome | Reserved:
    async with deps.sign_ins, deps.db.begin() as conn:
        known = await standing.hold(conn, asked.bearer, preferred=TokenName.ACCESS)
        now = deps.clock.now()  # after the locks
        token = await _allowed(deps, conn, known, asked, now=now)
        if isinstance(token, Refused):
            return token
        match asked.kind:
            case FactorType.SMS:
                number = asked.number or ""
                if sent is None:
                    return await sending_codes.reserve(
                        deps, conn, token.user_id, number, now=now
                    )
                setup = Setup(kind=asked.kind, factor=number)
                return Begun(minted=await _token(deps, conn, token, setup, sent, now=now))
            case FactorType.TOTP:
                return await _begin_app(deps, conn, known, token, asked, now=now)
            case FactorType.WEBAUTHN:
                return await _begin_passkey(deps, conn, known, token, asked, now=now)
            case _:
                assert_never(asked.kind)


async def _allowed(
    deps: Deps,
    conn: AsyncConnection,
    known: Standing,
    asked: SetupAsked,
    *,
    now: datetime,
) -> Token | Refused:
    token = rules.judge_setting_up(known, now=now)
    if isinstance(token, Refused):
        return token
    if asked.kind is FactorType.WEBAUTHN:
        usable = await passkey_store.usable_of(conn, token.user_id)
        if len(usable) >= MOST_PASSKEYS:
            return Refused(Reason.PASSKEYS_TOO_MANY)
    else:
        present = await factors.by_kind(conn, token.user_id, asked.kind)
        if present is not None and not present.is_active:
            return Refused(Reason.NOT_FOUND)  # an operator switched it off
    within = deps.settings.step_up_window()
    return step_up.judge(token, known.factors, within=within, now=now) or token


async def _begin_app(
    deps: Deps,
    conn: AsyncConnection,
    known: Standing,
    token: Token,
    asked: SetupAsked,
    *,
    now: datetime,
) -> Begun:
    secret = deps.entropy.bits(totp.SECRET_BITS).to_bytes(totp.SECRET_BITS // 8)
    sealed = seal_secret(deps, token.user_id, secret)
    setup = Setup(kind=asked.kind, factor=sealed.hex(), name=asked.name)
    issuer = deps.settings.webauthn_rp_name
    uri = totp.uri_of(secret, account=known.email, issuer=issuer)
    return Begun(
        minted=await _token(deps, conn, token, setup, None, now=now),
        app=NewApp(secret=totp.secret_text(secret), uri=uri),
    )


async def _begin_passkey(
    deps: Deps,
    conn: AsyncConnection,
    known: Standing,
    token: Token,
    asked: SetupAsked,
    *,
    now: datetime,
) -> Begun:
    challenge = new_challenge(deps)
    usable = await passkey_store.usable_of(conn, token.user_id)
    setup = Setup(kind=asked.kind, factor=challenge.hex(), name=asked.name)
    options = passkeys.creation_options(
        deps.settings.relying_party(),
        user_id=token.user_id.bytes,
        email=known.email,
        challenge=challenge,
        known=[credential for _, credential in usable],
    )
    minted = await _token(deps, conn, token, setup, None, now=now)
    return Begun(minted=minted, webauthn=options)


async def _token(
    deps: Deps,
    conn: AsyncConnection,
    token: Token,
    setup: Setup,
    sent: Reserved | None,
    *,
    now: datetime,
) -> Minted:
    return await hand_on(
        deps,
        conn,
        token,
        rules.setting_up(token, setup),
        token_id=None if sent is None else sent.token_id,
        expires_at=now + deps.settings.step_up_window(),
        now=now,
    )
