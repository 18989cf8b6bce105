"""Set up a second factor that was shown to be at hand (spec §1.3 O6): one transaction."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, TypeAlias, assert_never

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.actions import proving
from services.mithril_api.actions.completing import complete
from services.mithril_api.actions.telling import Told, tell, tell_former_number
from services.mithril_api.deps import Deps
from services.mithril_api.domain import passkeys, step_up, totp
from services.mithril_api.domain import second_factors as rules
from services.mithril_api.domain.factors import FactorId, FactorType
from services.mithril_api.domain.minting import Minted
from services.mithril_api.domain.records import Token
from services.mithril_api.domain.refusals import Reason, Refused, Unfit
from services.mithril_api.domain.second_factors import Setup
from services.mithril_api.store import factors, standing, violations
from services.mithril_api.store import passkeys as passkey_store
from shared.runtime.postgres import retrying
from shared.wire.envelope import Invalid

_REGISTERED = "uq_passkeys_credential_id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """What shows that the factor is at hand: the one or the other."""

    bearer: str = field(repr=False)
    code: str | None = field(default=None, repr=False)
    answer: Mapping[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """The factor is at hand: as which row it is stored, by which method it was shown."""

    method: str
    told: Told


_Verdict: TypeAlias = _Shown | Refused | Unfit


async def approve_factor(deps: Deps, approval: Approval) -> Minted | Refused | Unfit:
    """The session. Whoever had the former number is told, and so is the user's mail."""
    try:
        outcome = await retrying(partial(_approve, deps, approval))
    except IntegrityError as error:
        violations.expect(error, _REGISTERED)
        return Refused(Reason.PASSKEY_INVALID)  # somebody else's, or registered already
    deps.committed()
    if isinstance(outcome, Refused | Unfit):
        return outcome
    minted, told = outcome
    deps.owed()
    await tell_former_number(deps, told)
    return minted


async def _approve(deps: Deps, approval: Approval) -> tuple[Minted, Told] | Refused | Unfit:
    async with deps.sign_ins, deps.db.begin() as conn:
        known = await standing.hold(conn, approval.bearer)
        now = deps.clock.now()  # after the locks
        judged = rules.judge_approving(known, now=now)
        if isinstance(judged, Refused):
            return judged
        pending, setup = judged
        # Asked again: a first factor may be there by now, and then it counts.
        within = deps.settings.step_up_window()
        refused = step_up.judge(pending, known.factors, within=within, now=now)
        if refused is not None:
            return refused
        shown = await _set_up(deps, conn, pending, setup, approval, now=now)
        if isinstance(shown, Refused | Unfit):
            return shown
        event = await tell(deps, conn, pending.user_id, shown.told, now=now)
        minted = await complete(
            deps, conn, pending, method=shown.method, told=[event], now=now
        )
        return minted, shown.told


async def _set_up(
    deps: Deps,
    conn: AsyncConnection,
    pending: Token,
    setup: Setup,
    approval: Approval,
    *,
    now: datetime,
) -> _Verdict:
    match setup.kind:
        case FactorType.WEBAUTHN:
            if approval.answer is None:
                return _missing("webauthn")
            return await _set_up_passkey(
                deps, conn, pending, setup, approval.answer, now=now
            )
        case FactorType.SMS | FactorType.TOTP:
            if approval.code is None:
                return _missing("otp")
            present = await factors.by_kind(conn, pending.user_id, setup.kind)
            if present is not None and not present.is_active:
                return Refused(Reason.NOT_FOUND)  # an operator switched it off meanwhile
            if setup.kind is FactorType.SMS:
                former = None if present is None else present.factor
                return await _set_up_number(
                    deps, conn, pending, setup, approval.code, former=former, now=now
                )
            return await _set_up_app(deps, conn, pending, setup, approval.code, now=now)
        case _:
            assert_never(setup.kind)


async def _set_up_number(
    deps: Deps,
    conn: AsyncConnection,
    pending: Token,
    setup: Setup,
    code: str,
    *,
    former: str | None,
    now: datetime,
) -> _Verdict:
    proven = await proving.prove_sent(
        deps,
        conn,
        user_id=pending.user_id,
        token_id=pending.id,
        number=setup.factor,
        code=code,
        now=now,
    )
    if isinstance(proven, Refused):
        return proven
    values = {"factor": setup.factor, "last_used_at": now}
    told = await _stored(deps, conn, pending, setup, values, former=former, now=now)
    return _Shown(method=proven.method, told=told)


async def _set_up_app(
    deps: Deps,
    conn: AsyncConnection,
    pending: Token,
    setup: Setup,
    code: str,
    *,
    now: datetime,
) -> _Verdict:
    """A wrong code is not counted: whoever sets up an app has seen its secret."""
    sealed = bytes.fromhex(setup.factor)
    opened = proving.open_secret(deps, pending.user_id, sealed)
    if opened is None:
        return Refused(Reason.SETUP_MISSING)  # the key it was sealed under is gone
    step = totp.accepted_step(opened[0], code, now=now, after=None)
    if step is None:
        return Refused(Reason.OTP_INVALID)
    values = {
        "name": setup.name,
        "secret_sealed": proving.seal_secret(deps, pending.user_id, opened[0]),
        "secret_sealed_at": now,
        "last_step": step,
        "last_used_at": now,
    }
    told = await _stored(deps, conn, pending, setup, values, former=None, now=now)
    return _Shown(method=step_up.method_of(setup.kind), told=told)


async def _stored(
    deps: Deps,
    conn: AsyncConnection,
    pending: Token,
    setup: Setup,
    values: Mapping[str, Any],
    *,
    former: str | None,
    now: datetime,
) -> Told:
    factor, is_new = await factors.add_or_change(
        conn,
        new_id=FactorId(deps.entropy.uuid()),
        user_id=pending.user_id,
        kind=setup.kind,
        values=values,
        now=now,
    )
    return Told(
        factor_id=factor.id,
        kind=setup.kind,
        change="created" if is_new else "changed",
        number=factor.factor,
        former_number=None if former == factor.factor else former,
    )


async def _set_up_passkey(
    deps: Deps,
    conn: AsyncConnection,
    pending: Token,
    setup: Setup,
    answer: Mapping[str, Any],
    *,
    now: datetime,
) -> _Verdict:
    challenge = bytes.fromhex(setup.factor)
    party = deps.settings.relying_party()
    credential = passkeys.registered(party, answer, challenge=challenge)
    if credential is None:
        return Refused(Reason.PASSKEY_INVALID)
    factor_id = FactorId(deps.entropy.uuid())
    await passkey_store.add(
        conn,
        new_id=factor_id,
        user_id=pending.user_id,
        name=setup.name,
        credential=credential,
        now=now,
    )
    method = step_up.method_of(setup.kind, is_synced=credential.is_synced)
    return _Shown(
        method=method, told=Told(factor_id=factor_id, kind=setup.kind, change="created")
    )


def _missing(field_name: str) -> Unfit:
    text = "can't be blank"
    return Unfit((Invalid(entry=f"$.{field_name}", rule="required", description=text),))
