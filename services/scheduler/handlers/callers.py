"""Who may call: the platform, or an operator whose access token has the scope."""

from aiohttp import web

from services.scheduler.handlers.keys import DEPS, MITHRIL
from shared.peers.mithril import MithrilUnavailableError, RefusedToken
from shared.runtime import acting
from shared.runtime.bearer import bearer_of
from shared.runtime.http import Handler, note
from shared.runtime.platform import (
    INVALID_TOKEN,
    MISSING_BEARER,
    is_platform,
    missing_allowances,
)
from shared.wire.envelope import Answer, access_denied, forbidden, unavailable

READ, RUN = "scheduler:read", "scheduler:run"


def internal(handler: Handler, *, scope: str) -> Handler:
    """Refuse everyone else: 401; without the scope 403, in the gateway's words."""

    async def guarded(request: web.Request) -> Answer | web.StreamResponse:
        if not is_platform(request, request.app[DEPS].settings):
            await _require(request, scope)
        return await handler(request)

    guarded.__name__ = getattr(handler, "__name__", "handler")
    return guarded


async def _require(request: web.Request, scope: str) -> None:
    bearer = bearer_of(request)
    if bearer is None:
        raise access_denied(MISSING_BEARER)
    try:
        verdict = await request.app[MITHRIL].verify(
            bearer, api_key=request.headers.get("api-key")
        )
    except MithrilUnavailableError as error:
        note(request, unavailable=str(error))
        raise unavailable() from None
    if isinstance(verdict, RefusedToken):
        note(request, outcome=verdict.reason)
        raise access_denied(INVALID_TOKEN)
    note(request, user_id=str(verdict.user_id), client_id=str(verdict.client_id))
    if scope not in verdict.scope:
        raise forbidden(missing_allowances([scope]))
    acting.current.set(verdict.user_id)
