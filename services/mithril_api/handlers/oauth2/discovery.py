"""/.well-known: what this server can do, for clients that find out by themselves."""

from aiohttp import web
from pydantic import ConfigDict
from typing_extensions import TypedDict

from services.mithril_api.domain.oauth2 import metadata
from services.mithril_api.domain.oauth2.metadata import Abilities
from services.mithril_api.handlers.keys import DEPS
from services.mithril_api.handlers.oauth2.answers import issuer_of, json_answer
from services.mithril_api.handlers.oauth2.declaring import plain
from shared.wire.operations import operation

ABILITIES: web.AppKey[Abilities] = web.AppKey("abilities", Abilities)


class ServerMetadata(TypedDict):
    """What this server can do, under the names that IANA keeps."""

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]  # pydantic's own

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    response_types_supported: list[str]
    grant_types_supported: list[str]
    code_challenge_methods_supported: list[str]


@operation(plain(ServerMetadata))
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
