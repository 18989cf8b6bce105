"""The key that signs: from memory, from the database, or made at first need."""

from collections.abc import Mapping
from typing import Any

from services.mithril_api.actions.oauth2.keep_signing_keys import keep_signing_keys
from services.mithril_api.deps import Deps
from services.mithril_api.domain.keys import SIGNING_KEY
from services.mithril_api.domain.oauth2 import jose, signing_keys
from services.mithril_api.domain.oauth2.jose import Signer
from services.mithril_api.domain.oauth2.signing_keys import Alg, SigningKey
from services.mithril_api.domain.sealing import unseal
from services.mithril_api.ring import Ring
from services.mithril_api.store import signing_keys as store
from shared.runtime.postgres import DatabaseUnavailableError
from shared.wire import jws
from shared.wire.jws import Compact, Unusable


async def ring_of(deps: Deps) -> Ring:
    """All keys, as they were no more than a minute ago."""
    return deps.ring.fresh(deps.clock.now()) or await _read(deps)


async def signer_of(deps: Deps, alg: Alg) -> Signer:
    """The key that signs now. Of an algorithm that nobody used so far, it is made.

    Call it with no transaction under way: it may want one of its own.
    """
    found = (await ring_of(deps)).signer(alg, deps.clock.now())
    if found is None and deps.settings.read_only:
        raise DatabaseUnavailableError("read only, and no key was made so far")
    if found is None:
        await keep_signing_keys(deps, [alg])
        found = (await _read(deps)).signer(alg, deps.clock.now())
    assert found is not None  # noqa: S101 — the latest key of ours opens, or was just made
    return found


async def published(deps: Deps) -> list[SigningKey]:
    """The keys of the JWKS: one of each algorithm at the least, where one may be made."""
    ring, now = await ring_of(deps), deps.clock.now()
    missing = any(ring.signer(alg, now) is None for alg in Alg)
    if missing and not deps.settings.read_only:
        await keep_signing_keys(deps, list(Alg))
        ring = await _read(deps)
    return signing_keys.published(ring.keys, deps.clock.now())


async def claims_of(deps: Deps, shown: Compact) -> Mapping[str, Any] | None:
    """What a JWT says if a key of ours signed it, be it one that signs no more.

    A compromised key proves nothing: what it signed may be anybody's.
    """
    kid = shown.header.get("kid")
    key = (await ring_of(deps)).key(kid)
    if key is None and not deps.ring.has_just_read(deps.clock.now()):
        key = (await _read(deps)).key(kid)
    if key is None or key.is_compromised:
        return None
    public = jws.public_key(key.public_jwk)
    if isinstance(public, Unusable) or not jws.is_signed(shown, public):
        return None
    return shown.claims


async def _read(deps: Deps) -> Ring:
    async with deps.db.read() as conn:
        keys = await store.all_of(conn)
    now = deps.clock.now()
    known = deps.ring.last.signers
    signers = {
        key.kid: signer
        for key in keys
        if not signing_keys.is_spent(key, now)
        and (signer := known.get(key.kid) or _opened(deps, key)) is not None
    }
    ring = Ring(keys, signers)
    deps.ring.keep(ring, now=now)
    deps.metrics.tell_due(keys, lifetime=deps.settings.signing_key_ttl())
    return ring


def _opened(deps: Deps, key: SigningKey) -> Signer | None:
    if key.sealed_private is None:
        return None
    keys = deps.settings.keyring.sealing_keys(SIGNING_KEY)
    opened = unseal(keys, key.sealed_private, owner=key.kid.encode())
    return None if opened is None else jose.signer_of(key.kid, key.alg, opened.secret)
