"""Check what a user shows as a second factor: used by every action that takes it.

The caller holds the user's row, so answers of one user are counted one after another. A
refusal is a value, and every mark it leaves is committed with it.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.actions.minting import message
from services.mithril_api.deps import Deps
from services.mithril_api.domain import factor_locks, one_time_codes, passkeys, step_up
from services.mithril_api.domain import totp as totp_rules
from services.mithril_api.domain.factors import ActiveFactor, FactorType
from services.mithril_api.domain.keys import ONE_TIME_CODE, TOTP_SECRET
from services.mithril_api.domain.refusals import Reason, Refused
from services.mithril_api.domain.sealing import NONCE_BITS, seal, unseal
from services.mithril_api.store import factor_locks as locks
from services.mithril_api.store import factors, totp
from services.mithril_api.store import one_time_codes as codes
from services.mithril_api.store import passkeys as passkey_store
from shared.events.accounts import FactorLocked
from shared.models.ids import TokenId, UserId
from shared.runtime import outbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """The factor is at hand: by which method, for the next token's `amr`."""

    method: str


async def prove_sent(
    deps: Deps,
    conn: AsyncConnection,
    *,
    user_id: UserId,
    token_id: TokenId,
    number: str,
    code: str,
    now: datetime,
) -> Proven | Refused:
    """Whether a code is the one that was last sent to a number for a token (spec §3.8)."""
    key = one_time_codes.key_of(token_id, number)
    known = await codes.hold_latest(conn, key)
    given = f"{key} {code.zfill(deps.settings.otp_length)}"
    digests = deps.settings.keyring.digests(ONE_TIME_CODE, given)
    stored = b"" if known is None else known.digest
    is_right = any(hmac.compare_digest(stored, digest) for digest in digests)
    most = deps.settings.otp_max_attempts
    judged = one_time_codes.judge(known, is_right=is_right, most=most, now=now)
    if known is not None:
        await codes.note(conn, known.id, judged)
    method = step_up.method_of(FactorType.SMS)
    return await _counted(deps, conn, user_id, judged.reason, method, now=now)


async def prove_app(
    deps: Deps, conn: AsyncConnection, factor: ActiveFactor, code: str, *, now: datetime
) -> Proven | Refused:
    """Whether a code is one that the user's authenticator app shows now. It serves once."""
    kept = await totp.secret_of(conn, factor.id)
    if kept is None:
        return Refused(Reason.FACTOR_NOT_SET)
    opened = open_secret(deps, kept.user_id, kept.sealed)
    if opened is None:
        return Refused(Reason.FACTOR_NOT_SET)  # sealed under a key that is gone
    secret, is_stale = opened
    step = totp_rules.accepted_step(secret, code, now=now, after=kept.last_step)
    if step is not None:
        await totp.spend_step(conn, factor.id, step)
        if is_stale:
            sealed = seal_secret(deps, kept.user_id, secret)
            await totp.reseal(conn, factor.id, sealed, at=now)
    reason = Reason.OTP_INVALID if step is None else None
    method = step_up.method_of(FactorType.TOTP)
    return await _counted(deps, conn, kept.user_id, reason, method, now=now)


async def prove_passkey(
    deps: Deps,
    conn: AsyncConnection,
    user_id: UserId,
    answer: Mapping[str, Any],
    *,
    challenge: bytes,
    now: datetime,
) -> Proven | Refused:
    """Whether one of the user's passkeys answered a challenge. Nothing of it can be guessed."""
    named = passkeys.credential_id_of(answer)
    usable = await passkey_store.usable_of(conn, user_id)
    found = next((item for item in usable if item[1].id == named), None)
    if found is None:
        return Refused(Reason.PASSKEY_INVALID)
    factor_id, credential = found
    used = passkeys.used(
        deps.settings.relying_party(),
        answer,
        challenge=challenge,
        credential=credential,
        user_id=user_id.bytes,
    )
    if used is None:
        return Refused(Reason.PASSKEY_INVALID)
    if used.is_cloned:
        return Refused(Reason.PASSKEY_CLONED)
    await passkey_store.count_use(conn, factor_id, sign_count=used.sign_count)
    await factors.mark_used(conn, factor_id, at=now)
    return Proven(method=step_up.method_of(FactorType.WEBAUTHN, is_synced=used.is_synced))


def seal_secret(deps: Deps, user_id: UserId, secret: bytes) -> bytes:
    """A secret as it is stored: for this user, under the present key."""
    keys = deps.settings.keyring.sealing_keys(TOTP_SECRET)
    nonce = deps.entropy.bits(NONCE_BITS)
    return seal(keys, secret, nonce=nonce, owner=user_id.bytes)


def open_secret(deps: Deps, user_id: UserId, sealed: bytes) -> tuple[bytes, bool] | None:
    """The secret, and whether a former key sealed it."""
    keys = deps.settings.keyring.sealing_keys(TOTP_SECRET)
    opened = unseal(keys, sealed, owner=user_id.bytes)
    return None if opened is None else (opened.secret, opened.is_stale)


async def _count_wrong(
    deps: Deps, conn: AsyncConnection, user_id: UserId, *, now: datetime
) -> None:
    """One more wrong code of a user, which may be one too many: then they wait."""
    tally = await locks.tally_of(conn, user_id)
    after = factor_locks.after_wrong(
        tally,
        most=deps.settings.user_otp_error_max,
        lasts=deps.settings.otp_lock_lasts(),
        now=now,
    )
    await locks.store(conn, user_id, after)
    if after.locked_until is not None and after.locks > tally.locks:
        told = FactorLocked(user_id=user_id, until=after.locked_until)
        await outbox.put(conn, message(deps, told, at=now))


async def _counted(
    deps: Deps,
    conn: AsyncConnection,
    user_id: UserId,
    reason: Reason | None,
    method: str,
    *,
    now: datetime,
) -> Proven | Refused:
    if reason is None:
        await locks.forget(conn, user_id)
        return Proven(method=method)
    if reason is Reason.OTP_INVALID:  # nothing else was a guess
        await _count_wrong(deps, conn, user_id, now=now)
    return Refused(reason)
