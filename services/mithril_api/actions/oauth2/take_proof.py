"""Note that a proof of a key came: one statement."""

from services.mithril_api.deps import Deps
from services.mithril_api.store import presented
from shared.wire.dpop import Proof


async def take_proof(deps: Deps, proof: Proof) -> bool:
    """Whether it is the first time that it comes; false at every other time, here or elsewhere."""
    digest = proof.digest()
    async with deps.db.autocommit() as conn:
        now = deps.clock.now()
        return digest in await presented.take(conn, {digest: proof.expires_at}, now=now)
