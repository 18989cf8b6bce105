"""/oauth2/authorize: what a client asks its user for is judged, kept, and put before the user.

RFC 6749 §3.1. Signing in and consenting are pages of auth-web. A request whose client or
redirect URI is wrong is refused here and never sent on: the browser is not ours to lead.
"""

from html import escape
from urllib.parse import urlencode
from uuid import UUID

from aiohttp import web

from services.mithril_api.actions.oauth2 import begin_authorization
from services.mithril_api.domain.limits import Purpose
from services.mithril_api.domain.oauth2 import authorization
from services.mithril_api.domain.oauth2.authorization import (
    REQUEST_URI,
    AuthorizationRequest,
    Refusal,
)
from services.mithril_api.domain.oauth2.client_authentication import ClientFacts
from services.mithril_api.domain.oauth2.faults import ErrorCode, Fault, invalid_request
from services.mithril_api.domain.oauth2.hints import Hint
from services.mithril_api.domain.oauth2.parameters import Parameters
from services.mithril_api.handlers.keys import DEPS, METRICS
from services.mithril_api.handlers.limiting import limit
from services.mithril_api.handlers.oauth2 import id_tokens
from services.mithril_api.handlers.oauth2.answers import (
    NO_STORE,
    OAuthError,
    issuer_of,
    refuse,
)
from services.mithril_api.handlers.oauth2.declaring import (
    ERROR_PAGE,
    ONWARD,
    AuthorizationForm,
    form,
)
from services.mithril_api.handlers.oauth2.forms import read_form, read_query
from shared.models.ids import ClientId
from shared.runtime.http import META, note
from shared.wire.casting import is_uuid
from shared.wire.operations import operation

_LONGEST_HINT = 255  # an e-mail is no longer
_PAGE_HEADERS = {
    **NO_STORE,
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@operation(ONWARD, ERROR_PAGE, query=AuthorizationForm, refuses=(429,))
async def get_authorize(request: web.Request) -> web.StreamResponse:
    """A browser comes with a request in its query."""
    try:
        return await _authorize(request, read_query(request))
    except OAuthError as error:
        return error_page(request, error)


@operation(ONWARD, ERROR_PAGE, takes=form(AuthorizationForm), refuses=(429,))
async def post_authorize(request: web.Request) -> web.StreamResponse:
    """The same with the request in a form (OpenID Connect Core §3.1.2.1)."""
    try:
        return await _authorize(request, await read_form(request))
    except OAuthError as error:
        return error_page(request, error)


async def _authorize(request: web.Request, asked: Parameters) -> web.StreamResponse:
    await limit(request, Purpose.AUTHORIZE)
    client = await _client(request, asked)
    outcome = await _judged(request, client, asked)
    result = "refused" if isinstance(outcome, Refusal) else "begun"
    request.app[METRICS].grants.labels("authorize", result).inc()
    note(request, client_id=str(client.client_id), outcome=result)
    if isinstance(outcome, Refusal):
        return see_other(outcome.location(_issuer(request)))
    deps = request.app[DEPS]
    request_uri = await begin_authorization.begin(deps, client.client_id, outcome)
    return see_other(_sign_in(deps.settings.auth_web_url, client, outcome, request_uri))


async def _client(request: web.Request, asked: Parameters) -> ClientFacts:
    stated = asked.get("client_id")
    if stated is None:
        refuse(invalid_request("`client_id` is missing"))
    if not is_uuid(stated):
        refuse(invalid_request("the client is unknown"))
    deps = request.app[DEPS]
    client = await begin_authorization.client_of(deps, ClientId(UUID(stated)))
    if client is None:
        refuse(invalid_request("the client is unknown"))
    return client


async def _judged(
    request: web.Request, client: ClientFacts, asked: Parameters
) -> AuthorizationRequest | Refusal:
    request_uri = asked.get("request_uri")
    if request_uri is not None:
        return await _pushed(request, client, request_uri)
    outcome = await judged(request, client, asked)
    if isinstance(outcome, Fault):
        refuse(outcome)
    if client.metadata.must_push and isinstance(outcome, AuthorizationRequest):
        return Refusal(
            fault=invalid_request("the client must push its requests (RFC 9126)"),
            redirect_uri=outcome.redirect_uri,
            state=outcome.state,
        )
    return outcome


async def _pushed(
    request: web.Request, client: ClientFacts, request_uri: str
) -> AuthorizationRequest:
    found = None
    if request_uri.startswith(REQUEST_URI):
        found = await begin_authorization.take_pushed(
            request.app[DEPS], client.client_id, request_uri
        )
    if found is None:
        text = "`request_uri` is unknown, used, expired, or of another client"
        refuse(Fault(ErrorCode.INVALID_REQUEST_URI, text))
    return found


async def judged(
    request: web.Request, client: ClientFacts, asked: Parameters
) -> authorization.Outcome:
    """What is asked, as the rules see it: here, and where it is pushed."""
    settings = request.app[DEPS].settings
    hint: Hint | Fault | None = None
    if (shown := asked.get("id_token_hint")) is not None:
        hint = await id_tokens.hinted(request, shown, client_id=client.client_id)
    return authorization.judge(
        client,
        asked,
        issuer=_issuer(request),
        is_trusted=str(client.client_id) in settings.trusted_client_ids,
        subject=hint.subject if isinstance(hint, Hint) else hint,
    )


def _sign_in(
    auth_web: str, client: ClientFacts, asked: AuthorizationRequest, request_uri: str
) -> str:
    """Where the user signs in. auth-web leads back by what is kept, not by what is shown here."""
    query = {
        "client_id": str(client.client_id),
        "redirect_uri": asked.redirect_uri,
        "request_uri": request_uri,
        "email": (asked.login_hint or "")[:_LONGEST_HINT],
        "prompt": " ".join(asked.prompt),
    }
    given = {name: value for name, value in query.items() if value}
    return f"{auth_web.rstrip('/')}/sign-in?{urlencode(given)}"


def _issuer(request: web.Request) -> str:
    return issuer_of(request, request.app[DEPS].settings.issuer)


def see_other(location: str) -> web.Response:
    """On to another page, which is not told where the browser comes from."""
    return web.Response(status=303, headers={**_PAGE_HEADERS, "Location": location})


def error_page(request: web.Request, error: OAuthError) -> web.Response:
    """For a person: there is nobody else to tell."""
    fault = error.fault
    note(request, outcome=str(fault.code))
    text = (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        "<title>The request cannot be answered</title>"
        "<h1>The application sent a request that cannot be answered</h1>"
        f"<p>{escape(fault.code)}: {escape(fault.description)}.</p>"
        "<p>Go back to the application and try again. If it happens again, tell those who "
        f"run it, with the number {escape(request[META].request_id)}.</p></html>"
    )
    status = error.status if error.status >= 500 else 400
    return web.Response(
        text=text, status=status, content_type="text/html", headers=_PAGE_HEADERS
    )
