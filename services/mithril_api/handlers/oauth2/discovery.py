"""/.well-known: what this server can do, for clients that find out by themselves."""

from hashlib import sha256

from aiohttp import web
from pydantic import ConfigDict
from typing_extensions import TypedDict

from services.mithril_api.actions.oauth2 import signing
from services.mithril_api.domain.oauth2 import metadata
from services.mithril_api.domain.oauth2.metadata import Abilities
from services.mithril_api.domain.oauth2.signing_keys import JWKS_LIFE
from services.mithril_api.handlers.keys import DEPS
from services.mithril_api.handlers.oauth2.answers import issuer_of, json_answer
from services.mithril_api.handlers.oauth2.declaring import plain
from shared.wire.operations import Gives, operation

_LIFE = int(JWKS_LIFE.total_seconds())
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
async def get_metadata(request: web.Request) -> web.StreamResponse:
    """RFC 8414, and OpenID Connect Discovery: one document under both names."""
    found = metadata.document(request.app[ABILITIES], issuer=_issuer(request))
    return _cacheable(json_answer(found))


def _issuer(request: web.Request) -> str:
    return issuer_of(request, request.app[DEPS].settings.issuer)


class KeySetObject(TypedDict):
    """A JWK set (RFC 7517 §5)."""

    keys: list[dict[str, str]]


@operation(
    Gives(data=KeySetObject, enveloped=False, media="application/jwk-set+json"),
    Gives(status=304, says="It is what the caller has already."),
    headers={"If-None-Match": "The `ETag` of what the caller has."},
)
async def get_jwks(request: web.Request) -> web.StreamResponse:
    """The public halves of our signing keys (RFC 7517 §5)."""
    keys = await signing.published(request.app[DEPS])
    response = json_answer({"keys": [key.public_jwk for key in keys]})
    response.content_type = "application/jwk-set+json"
    return _conditional(request, _cacheable(response))


def _conditional(request: web.Request, response: web.Response) -> web.Response:
    """304 to whoever has this already (RFC 9110 §13.1.2)."""
    assert isinstance(response.body, bytes)  # noqa: S101 — made above
    tag = sha256(response.body).hexdigest()[:32]
    response.headers["ETag"] = f'"{tag}"'
    known = request.if_none_match or ()
    if any(item.value in (tag, "*") for item in known):
        return web.Response(status=304, headers=_kept_headers(response))
    return response


def _kept_headers(response: web.Response) -> dict[str, str]:
    return {name: response.headers[name] for name in ("Cache-Control", "ETag", "Vary")}


def _cacheable(response: web.Response) -> web.Response:
    response.headers["Cache-Control"] = f"public, max-age={_LIFE}"
    response.headers["Vary"] = "Origin"
    del response.headers["Pragma"]
    return response
