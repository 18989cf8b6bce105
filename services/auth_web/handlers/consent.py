"""/consent: a user lets a client act for them, or does not; then back to the client."""

from aiohttp import web

from services.auth_web.domain.flows import ToClient
from services.auth_web.domain.refusal_words import Trouble, trouble
from services.auth_web.domain.scope_words import in_words as scopes_in_words
from services.auth_web.handlers.browsers import (
    SignedIn,
    address_of,
    signed_in_of,
    texts_of,
)
from services.auth_web.handlers.keys import DEPS
from services.auth_web.handlers.sign_in import counted
from services.auth_web.handlers.visits import (
    Visit,
    away,
    ends_session,
    flow_of,
    go,
    refuse,
    show,
    sign_in_again,
    turn_back,
    verified,
)
from shared.peers.sign_in_answers import Consent, Refusal, SignInUnavailableError
from shared.runtime.pages import PageError, StaleFormError, read_form, see_other


async def get_consent(request: web.Request) -> web.StreamResponse:
    """The question; none where the client is trusted or asks for nothing new."""
    visit, flow, signed_in = await _who(request)
    if signed_in is None:
        return go("/sign-in", flow)
    consent = await _asked(request, flow, signed_in)
    if isinstance(consent, Refusal):
        return await _refused(request, visit, consent)
    if not consent.must_ask and (consent.trusted or not consent.new):
        return await _authorize(request, visit, flow, signed_in)
    if flow.is_silent:
        return await turn_back(request, flow, "consent_required")
    return _question(request, visit, signed_in, consent)


async def post_consent(request: web.Request) -> web.StreamResponse:
    """The answer."""
    visit, flow, signed_in = await _who(request)
    stale: Trouble | None = None
    answer = ""
    try:
        answer = (await read_form(request)).get("answer", "")
    except StaleFormError:
        stale = trouble("stale_form", texts_of(request), status=403)
    if signed_in is None:
        return sign_in_again(request, flow)
    if stale is not None or answer not in {"allow", "deny"}:
        consent = await _asked(request, flow, signed_in)
        if isinstance(consent, Refusal):
            return await _refused(request, visit, consent)
        return _question(request, visit, signed_in, consent, stale)
    if answer == "deny":
        counted(request, "consent_refused", None)
        if flow.request_uri is not None:
            return await turn_back(request, flow, "access_denied")
        return see_other(flow.denied())
    return await _authorize(request, visit, flow, signed_in)


async def _who(request: web.Request) -> tuple[Visit, ToClient, SignedIn | None]:
    flow = flow_of(request)
    if not isinstance(flow, ToClient):
        raise PageError(400)
    return await verified(request, flow), flow, signed_in_of(request)


async def _asked(
    request: web.Request, flow: ToClient, signed_in: SignedIn
) -> Consent | Refusal:
    try:
        return await request.app[DEPS].api.consent(
            {name: value for name, value in _asked_of(flow).items() if value},
            bearer=signed_in.token,
            address=address_of(request),
        )
    except SignInUnavailableError:
        raise away() from None


def _asked_of(flow: ToClient) -> dict[str, str | None]:
    """What a consent is about: all of it is in a request that is kept."""
    if flow.request_uri is not None:
        return {"client_id": flow.client_id, "request_uri": flow.request_uri}
    return {
        "client_id": flow.client_id,
        "redirect_uri": flow.redirect_uri,
        "scope": flow.scope,
    }


async def _authorize(
    request: web.Request, visit: Visit, flow: ToClient, signed_in: SignedIn
) -> web.StreamResponse:
    asked = _asked_of(flow)
    if flow.request_uri is None:
        asked |= {
            "state": flow.state,
            "code_challenge": flow.code_challenge,
            "code_challenge_method": flow.code_challenge_method,
        }
    app = {name: value for name, value in asked.items() if value}
    try:
        location = await request.app[DEPS].api.authorize(
            app, bearer=signed_in.token, address=address_of(request)
        )
    except SignInUnavailableError:
        raise away() from None
    counted(request, "consent", location)
    if isinstance(location, Refusal):
        return await _refused(request, visit, location)
    return see_other(location)


async def _refused(
    request: web.Request, visit: Visit, refusal: Refusal
) -> web.StreamResponse:
    if ends_session(refusal):
        if isinstance(visit.flow, ToClient) and visit.flow.is_silent:
            return await turn_back(request, visit.flow, "login_required")
        return sign_in_again(request, visit.flow)
    refuse(request, refusal)


def _question(
    request: web.Request,
    visit: Visit,
    signed_in: SignedIn,
    consent: Consent,
    wrong: Trouble | None = None,
) -> web.Response:
    asked = consent.scope if consent.must_ask else consent.new
    return show(
        request,
        visit,
        "consent.html",
        trouble=wrong,
        client_name=consent.client_name,
        permissions=scopes_in_words(asked, texts_of(request).language),
        scopes=asked,
        already=len(asked) < len(consent.scope),
        email=signed_in.email,
        place=visit.flow.place() if isinstance(visit.flow, ToClient) else "",
    )
