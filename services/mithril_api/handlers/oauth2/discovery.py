"""/.well-known: what this server can do, for clients that find out by themselves."""

from aiohttp import web

from services.mithril_api.domain.oauth2 import metadata
from services.mithril_api.domain.oauth2.metadata import Abilities
from services.mithril_api.handlers.keys import DEPS
from services.mithril_api.handlers.oauth2.answers import issuer_of, json_answer

ABILITIES: web.AppKey[Abilities] = web.AppKey("abilities", Abilities)


async def get_oauth(request: web.Request) -> web.StreamResponse:
    """RFC 8414."""
    found = metadata.document(request.app[ABILITIES], issuer=_issuer(request))
    return _cacheable(json_answer(found))


def _issuer(request: web.Request) -> str:
    return issuer_of(request, request.app[DEPS].settings.issuer)


def _cacheable(response: web.Response) -> web.Response:
    response.headers["Cache-Control"] = "public, max-age=300"
    response.headers["Vary"] = "Origin"
    del response.headers["Pragma"]
    return response
