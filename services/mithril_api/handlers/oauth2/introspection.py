"""POST /oauth2/introspect (RFC 7662): for authenticated clients, and for the platform."""

from typing import Any

from aiohttp import web

from services.mithril_api.actions.oauth2 import signing
from services.mithril_api.actions.oauth2.authenticate_client import Admitted
from services.mithril_api.actions.verify_tokens import VerifyAsked, refused_unseen
from services.mithril_api.domain.limits import Purpose
from services.mithril_api.domain.oauth2 import introspection
from services.mithril_api.domain.oauth2.client_authentication import ClientFacts
from services.mithril_api.domain.oauth2.faults import invalid_client
from services.mithril_api.domain.oauth2.introspection import IntrospectionObject
from services.mithril_api.domain.records import Token
from services.mithril_api.domain.refusals import Refused
from services.mithril_api.handlers.keys import DEPS, METRICS, VERIFIES
from services.mithril_api.handlers.oauth2.answers import (
    NO_STORE,
    issuer_of,
    json_answer,
    refuse,
)
from services.mithril_api.handlers.oauth2.callers import admitted, quota_headers
from services.mithril_api.handlers.oauth2.declaring import (
    CLIENT,
    IntrospectionForm,
    form,
    plain,
)
from services.mithril_api.handlers.oauth2.forms import read_form, required
from services.mithril_api.handlers.oauth2.revocation import hinted
from services.mithril_api.store import tokens, users
from shared.models.tokens import TokenName
from shared.runtime.bearer import bearer_of, is_service_token
from shared.runtime.platform import SERVICE_TOKEN
from shared.wire.operations import Gives, operation

SIGNED = "application/token-introspection+jwt"


@operation(
    plain(IntrospectionObject),
    Gives(data=str, enveloped=False, media=SIGNED),
    takes=form(IntrospectionForm),
    needs=(*CLIENT, SERVICE_TOKEN),
    refuses=(401, 429),
)
async def post_introspect(request: web.Request) -> web.StreamResponse:
    """What a token is. A public client proves nothing, so it is told nothing."""
    form = await read_form(request)
    if _is_platform(request):
        body = await _introspected(request, required(form, "token"), hinted(form), None)
        return json_answer(body)
    who = await admitted(request, form, purpose=Purpose.INTROSPECTION)
    if who.client.metadata.is_public:
        refuse(invalid_client())
    value = required(form, "token")
    body = await _introspected(request, value, hinted(form), who.client.client)
    if SIGNED in request.headers.get("Accept", ""):
        return await _signed(request, body, who)
    return json_answer(body, headers=quota_headers(request, who))


async def _signed(
    request: web.Request, body: dict[str, Any], who: Admitted
) -> web.StreamResponse:
    """The same as a JWT, for whoever has to prove later what we said (RFC 9701 §5)."""
    deps = request.app[DEPS]
    signer = await signing.signer_of(deps, who.client.metadata.introspection_alg)
    claims = introspection.signed_claims(
        body,
        issuer=issuer_of(request, deps.settings.issuer),
        asking=who.client.client_id,
        now=deps.clock.now(),
    )
    return web.Response(
        text=signer.sign(claims, typ=introspection.TYP),
        content_type=SIGNED,
        headers={**NO_STORE, **quota_headers(request, who)},
    )


def _is_platform(request: web.Request) -> bool:
    known = request.app[DEPS].settings.service_credentials
    return is_service_token(bearer_of(request), known)


async def _introspected(
    request: web.Request, value: str, preferred: TokenName, asking: ClientFacts | None
) -> dict[str, Any]:
    token = await _live(request, value, preferred)
    seen = token is not None and introspection.may_see(asking, token)
    request.app[METRICS].introspections.labels("active" if seen else "inactive").inc()
    if token is None or not seen:
        return introspection.INACTIVE
    issuer = issuer_of(request, request.app[DEPS].settings.issuer)
    return introspection.rendered(token, issuer=issuer)


async def _live(request: web.Request, value: str, preferred: TokenName) -> Token | None:
    if preferred is TokenName.REFRESH:
        return await _refresh_token(request, value) or await _access_token(request, value)
    return await _access_token(request, value) or await _refresh_token(request, value)


async def _access_token(request: web.Request, value: str) -> Token | None:
    asked = VerifyAsked(value=value, is_introspection=True)
    verdict = refused_unseen(asked) or await request.app[VERIFIES].submit(asked)
    return None if isinstance(verdict, Refused) else verdict.token


async def _refresh_token(request: web.Request, value: str) -> Token | None:
    deps = request.app[DEPS]
    async with deps.db.read() as conn:
        token = await tokens.find(conn, value, TokenName.REFRESH)
        if token is None or token.used_at is not None:
            return None
        if not token.is_live(deps.clock.now()):
            return None
        owner = await users.by_id(conn, token.user_id)
    return None if owner is None or owner.is_blocked else token
