"""Write access tokens as JWTs, where that is asked for: used by every action that issues one."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from services.mithril_api.actions.oauth2.signing import ring_of, signer_of
from services.mithril_api.deps import Deps
from services.mithril_api.domain import values
from services.mithril_api.domain.minting import Minted
from services.mithril_api.domain.oauth2 import access_tokens
from services.mithril_api.domain.oauth2.access_tokens import AsJwt
from services.mithril_api.domain.oauth2.jose import Signer
from services.mithril_api.domain.oauth2.openid import SignedIn
from services.mithril_api.domain.oauth2.signing_keys import Alg


class KeyMissingError(Exception):
    """No key of this algorithm was made so far; nothing is done before there is one."""

    def __init__(self, alg: Alg) -> None:
        super().__init__(alg)
        self.alg = alg


async def signers_for(deps: Deps, asked: Iterable[AsJwt | None]) -> Mapping[Alg, Signer]:
    """The keys for a batch, made if need be. Call it with no transaction under way."""
    algs = {item.alg for item in asked if item is not None}
    return {alg: await signer_of(deps, alg) for alg in algs}


async def read_ring(deps: Deps) -> None:
    """See to it that `signer_at_hand` knows the keys that there are."""
    await ring_of(deps)


def signer_at_hand(deps: Deps, alg: Alg) -> Signer:
    """The key that signs, without waiting for anything; raises `KeyMissingError`."""
    found = deps.ring.last.signer(alg, deps.clock.now())
    if found is None:
        raise KeyMissingError(alg)
    return found


def written(
    minted: Minted,
    wanted: AsJwt | None,
    signer: Signer | None,
    *,
    resources: Collection[str],
    signed_in: SignedIn | None = None,
) -> Minted:
    """The token as it is wanted: with the digest of its new text, where that is a JWT."""
    if wanted is None or signer is None or not wanted.is_for(resources):
        return minted
    value = access_tokens.compose(
        minted.token, signer, issuer=wanted.issuer, signed_in=signed_in
    )
    return Minted(replace(minted.token, digest=values.digest_of(value)), value)
