"""Note that a proof of a key came: one statement."""

from services.mithril_api.deps import Deps
from services.mithril_api.store import presented
from shared.runtime.postgres import DatabaseUnavailableError
from shared.wire.dpop import Proof


async def take_proof(deps: Deps, proof: Proof) -> bool:
    """Whether it is the first time that it comes; false at every other time, here or elsewhere."""
    if deps.settings.read_only:  # it could come again, and nobody would know
        raise DatabaseUnavailableError("a proof cannot be noted while nothing is written")
    digest = proof.digest()
    async with deps.db.autocommit() as conn:
        now = deps.clock.now()
        return digest in await presented.take(conn, {digest: proof.expires_at}, now=now)
