"""POST /admin/signing_keys/actions/keep: for the scheduler, whose job it is to ask in time."""

from dataclasses import asdict

from aiohttp import web

from services.mithril_api.actions.oauth2.keep_signing_keys import Kept, keep_signing_keys
from services.mithril_api.handlers.keys import DEPS
from services.mithril_api.handlers.tokens import NO_STORE
from shared.wire.envelope import Answer
from shared.wire.operations import Gives, operation


@operation(Gives(data=Kept))
async def post_keep(request: web.Request) -> Answer:
    """Make and end the signing keys whose time has come; says how many."""
    kept = await keep_signing_keys(request.app[DEPS])
    return Answer(data=asdict(kept), headers=NO_STORE)
