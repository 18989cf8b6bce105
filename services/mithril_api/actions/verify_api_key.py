"""Verify the api-key of a MIS that comes alone."""

from services.mithril_api.deps import Deps
from services.mithril_api.domain import api_keys
from services.mithril_api.domain.api_keys import Verdict
from services.mithril_api.domain.keys import CONNECTION_SECRET
from services.mithril_api.store import connections


async def verify_api_key(deps: Deps, api_key: str) -> Verdict:
    """The verdict; a key that is rotating out works until its end."""
    digests = deps.settings.keyring.digests(CONNECTION_SECRET, api_key)
    async with deps.db.read() as conn:
        facts = await connections.owner_of_key(conn, digests, now=deps.clock.now())
    return api_keys.judge(facts)
