"""Who is looking, and whether they may: nobody is believed but a verified bearer."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from aiohttp import web

from services.admin_web.handlers.keys import MITHRIL, VIEWER, Viewer
from shared.peers.mithril import MithrilUnavailableError, RefusedToken
from shared.runtime.bearer import bearer_of
from shared.runtime.http import note
from shared.runtime.pages import PageError

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


def page(handler: Handler, *, scope: str | None = None) -> Handler:
    """A page for whoever is signed in and has the scope; else 401, or 403 which names it."""

    async def guarded(request: web.Request) -> web.StreamResponse:
        viewer = await _viewer_of(request)
        request[VIEWER] = viewer
        if scope is not None and not viewer.may(scope):
            raise PageError(403, missing=scope)
        return await handler(request)

    guarded.__name__ = getattr(handler, "__name__", "handler")
    return guarded


async def _viewer_of(request: web.Request) -> Viewer:
    bearer = bearer_of(request)
    if bearer is None:
        raise PageError(401)
    try:
        verdict = await request.app[MITHRIL].verify(bearer)
    except MithrilUnavailableError as error:
        note(request, unavailable=str(error))
        raise PageError(503, "neighbour_away", neighbour="mithril-api") from None
    if isinstance(verdict, RefusedToken):
        note(request, outcome=verdict.reason)
        raise PageError(401, "session_over")
    note(request, user_id=str(verdict.user_id), client_id=str(verdict.client_id))
    return Viewer(token=verdict, bearer=bearer)
