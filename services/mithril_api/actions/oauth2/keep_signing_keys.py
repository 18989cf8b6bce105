"""Make the signing keys whose time has come, and end those whose time is over."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.actions.minting import message
from services.mithril_api.deps import Deps
from services.mithril_api.domain.keys import SIGNING_KEY
from services.mithril_api.domain.oauth2 import jose
from services.mithril_api.domain.oauth2 import signing_keys as rules
from services.mithril_api.domain.oauth2.signing_keys import Alg, SigningKey, Wanted
from services.mithril_api.domain.sealing import NONCE_BITS, seal, unseal
from services.mithril_api.store import signing_keys
from shared.events.keys import SigningKeyMade, SigningKeyRetired
from shared.runtime import outbox

Reason = Literal["rotated", "compromised"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What was done: how many keys were made, retired and forgotten."""

    made: int = 0
    retired: int = 0
    forgotten: int = 0


async def keep_signing_keys(deps: Deps, algs: Sequence[Alg] = tuple(Alg)) -> Kept:
    """What is due, and no more: of many processes at once, one makes a key."""
    now = deps.clock.now()
    async with deps.db.begin() as conn:
        keys = await signing_keys.hold(conn)
        lifetime = deps.settings.signing_key_ttl()
        usable = [key for key in keys if _opens(deps, key)]
        wanted = [
            _in_place_of_lost(item, keys, usable)
            for item in rules.wanted(usable, algs, lifetime=lifetime, now=now)
        ]
        kept = await _make(deps, conn, wanted, reason="rotated", now=now)
        kept = replace(kept, forgotten=await _tidy(conn, keys, now=now))
    _done(deps)
    return kept


async def rotate_signing_keys(
    deps: Deps, algs: Sequence[Alg] = tuple(Alg), *, compromised: bool = False
) -> Kept:
    """New keys at once, in place of all others; compromised ones leave the JWKS now."""
    now = deps.clock.now()
    async with deps.db.begin() as conn:
        keys = await signing_keys.hold(conn)
        wanted = rules.wanted_at_once(keys, algs, compromised=compromised, now=now)
        reason: Reason = "compromised" if compromised else "rotated"
        kept = await _make(deps, conn, wanted, reason=reason, now=now)
    _done(deps)
    return kept


def _done(deps: Deps) -> None:
    deps.ring.forget()
    deps.committed()


def _in_place_of_lost(
    item: Wanted, keys: Iterable[SigningKey], usable: Sequence[SigningKey]
) -> Wanted:
    """The same, also in place of keys that no secret of ours opens: nobody signs with them."""
    lost = [
        key
        for key in keys
        if key.alg is item.alg and key.retires_at is None and key not in usable
    ]
    return replace(item, replaces=(*item.replaces, *lost))


def _opens(deps: Deps, key: SigningKey) -> bool:
    keys = deps.settings.keyring.sealing_keys(SIGNING_KEY)
    sealed = key.sealed_private
    return sealed is not None and unseal(keys, sealed, owner=key.kid.encode()) is not None


async def _make(
    deps: Deps,
    conn: AsyncConnection,
    wanted: Sequence[Wanted],
    *,
    reason: Reason,
    now: datetime,
) -> Kept:
    count = 0
    for item in wanted:
        # In a thread: others are served meanwhile.
        pair = await asyncio.to_thread(jose.generate, item.alg)
        key = SigningKey(
            kid=pair.kid,
            alg=item.alg,
            public_jwk=pair.public_jwk,
            sealed_private=sealed_private(deps, pair.kid, pair.private_jwk),
            inserted_at=now,
            activates_at=item.activates_at,
        )
        await signing_keys.add(conn, key)
        made = SigningKeyMade(kid=key.kid, alg=key.alg, activates_at=key.activates_at)
        await outbox.put(conn, message(deps, made, at=now))
        for former in item.replaces:
            await _retire(deps, conn, former, at=item.activates_at, reason=reason, now=now)
            count += 1
    return Kept(made=len(wanted), retired=count)


async def _retire(
    deps: Deps,
    conn: AsyncConnection,
    key: SigningKey,
    *,
    at: datetime,
    reason: Reason,
    now: datetime,
) -> None:
    ended = rules.retired(
        key,
        at=at,
        signatures_live=longest_signature(deps),
        compromised=reason == "compromised",
    )
    await signing_keys.end(conn, ended)
    assert ended.retires_at and ended.expires_at  # noqa: S101, PT018 — it has ended
    told = SigningKeyRetired(
        kid=key.kid,
        alg=key.alg,
        retires_at=ended.retires_at,
        expires_at=ended.expires_at,
        reason=reason,
    )
    await outbox.put(conn, message(deps, told, at=now))


async def _tidy(conn: AsyncConnection, keys: Iterable[SigningKey], *, now: datetime) -> int:
    """Private halves of retired keys go, and later all that is left of them."""
    forgotten = [key.kid for key in keys if rules.is_forgotten(key, now)]
    if forgotten:
        await signing_keys.remove(conn, forgotten)
    for key in keys:
        if key.sealed_private is not None and rules.is_spent(key, now):
            await signing_keys.seal(conn, key.kid, None)
    return len(forgotten)


def sealed_private(deps: Deps, kid: str, private_jwk: bytes) -> bytes:
    """A private key as it is stored: for this key, under our present secret."""
    keys = deps.settings.keyring.sealing_keys(SIGNING_KEY)
    nonce = deps.entropy.bits(NONCE_BITS)
    return seal(keys, private_jwk, nonce=nonce, owner=kid.encode())


def longest_signature(deps: Deps) -> timedelta:
    """For how long anything that we sign may be relied on."""
    return deps.settings.access_token_ttl()
