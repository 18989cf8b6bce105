"""Seal what is sealed under a former key under the present one: a transaction each."""

from dataclasses import dataclass

from services.mithril_api.actions.oauth2.keep_signing_keys import sealed_private
from services.mithril_api.actions.proving import open_secret, seal_secret
from services.mithril_api.deps import Deps
from services.mithril_api.domain.factors import FactorId
from services.mithril_api.domain.keys import SIGNING_KEY
from services.mithril_api.domain.sealing import Unsealed, unseal
from services.mithril_api.store import signing_keys, totp

_BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Resealed:
    """How many were sealed anew, were so already, and could not be opened by any key."""

    renewed: int = 0
    present: int = 0
    lost: int = 0


async def reseal_secrets(deps: Deps) -> Resealed:
    """What was done. A former key may be dropped when none is left that it sealed."""
    counts = {"renewed": 0, "present": 0, "lost": 0}
    after: FactorId | None = None
    while True:
        async with deps.db.read() as conn:
            batch = await totp.next_ids(conn, after=after, limit=_BATCH)
        for factor_id in batch:
            counts[await _reseal(deps, factor_id)] += 1
        if len(batch) < _BATCH:
            break
        after = batch[-1]
    for outcome in await _reseal_signing_keys(deps):
        counts[outcome] += 1
    return Resealed(**counts)


async def _reseal(deps: Deps, factor_id: FactorId) -> str:
    async with deps.db.begin() as conn:
        kept = await totp.secret_of(conn, factor_id)
        if kept is None:
            return "present"  # removed meanwhile
        opened = open_secret(deps, kept.user_id, kept.sealed)
        if opened is None:
            return "lost"
        secret, is_stale = opened
        if not is_stale:
            return "present"
        sealed = seal_secret(deps, kept.user_id, secret)
        await totp.reseal(conn, factor_id, sealed, at=deps.clock.now())
        return "renewed"


async def _reseal_signing_keys(deps: Deps) -> list[str]:
    """What became of each; they are few, so one transaction holds them all."""
    outcomes = []
    async with deps.db.begin() as conn:
        for key in await signing_keys.hold(conn):
            if key.sealed_private is None:
                continue
            keys = deps.settings.keyring.sealing_keys(SIGNING_KEY)
            opened = unseal(keys, key.sealed_private, owner=key.kid.encode())
            if opened is not None and opened.is_stale:
                anew = sealed_private(deps, key.kid, opened.secret)
                await signing_keys.seal(conn, key.kid, anew)
            outcomes.append(_outcome(opened))
    return outcomes


def _outcome(opened: Unsealed | None) -> str:
    if opened is None:
        return "lost"
    return "renewed" if opened.is_stale else "present"
