"""Signing in and out: to auth-web and back with a code, and /auth/logout (spec §8.5)."""

from urllib.parse import urlencode

from aiohttp import web

from services.gatekeeper.actions.finish_sign_in import (
    CameBack,
    NotSignedIn,
    finish_sign_in,
)
from services.gatekeeper.actions.sign_out import sign_out
from services.gatekeeper.back_end import BackEnd
from services.gatekeeper.domain.returning import own_path
from services.gatekeeper.domain.sessions import FLOW_SECONDS, Flow, with_flow
from services.gatekeeper.handlers.browsers import is_of_another_site, is_own_doing
from services.gatekeeper.handlers.cookies import (
    clear_session,
    flows_of,
    session_of,
    set_flows,
    set_session,
)
from services.gatekeeper.handlers.keys import BACK_END
from services.gatekeeper.handlers.pages import page
from shared.runtime.http import META, note

_LOGOUT_HEADERS = {"Clear-Site-Data": '"cache"'}  # nothing is left behind the back button


async def get_sign_in(request: web.Request) -> web.Response:
    """GET /auth/sign-in: begin a sign-in that ends at `return_to`, a path of this site."""
    back = request.app[BACK_END]
    return begin(request, request.query.get("return_to", back.settings.start_page))


def begin(request: web.Request, return_to: str) -> web.Response:
    """Send a browser to auth-web, and remember what must come back with it."""
    back = request.app[BACK_END]
    now = int(back.clock.now().timestamp())
    flow = Flow(
        state=f"{back.entropy.bits(192):048x}",
        verifier=f"{back.entropy.bits(256):064x}",
        return_to=own_path(return_to, home=back.settings.start_page),
        ends_at=now + FLOW_SECONDS,
    )
    response = web.Response(
        status=302,
        headers={"Location": _sign_in_at(back, flow), "Cache-Control": "no-store"},
    )
    set_flows(response, back, with_flow(flows_of(request, back), flow, now=now))
    note(request, outcome="sign_in")
    return response


def _sign_in_at(back: BackEnd, flow: Flow) -> str:
    settings = back.settings
    asked = {
        "client_id": settings.client_id,
        "redirect_uri": settings.redirect_uri,
        "state": flow.state,
        "code_challenge": flow.challenge(),
        "code_challenge_method": "S256",
    }
    if settings.sign_in_scope:
        asked["scope"] = settings.sign_in_scope
    return f"{settings.auth_web_url.rstrip('/')}/sign-in?{urlencode(asked)}"


async def get_redirect(request: web.Request) -> web.Response:
    """GET /auth/redirect: exchange the code that came back, once, for a session."""
    back = request.app[BACK_END]

    def only(name: str) -> str | None:
        values = request.query.getall(name, [])
        return values[0] if len(values) == 1 else None

    came = CameBack(
        code=only("code"), state=only("state"), issuer=only("iss"), error=only("error")
    )
    outcome, left = await finish_sign_in(
        back, came, flows_of(request, back), request_id=request[META].request_id
    )
    if isinstance(outcome, NotSignedIn):
        back.metrics.sessions.labels("refused").inc()
        note(request, outcome=outcome.kind)
        response = page(request, outcome.kind, status=outcome.status)
    else:
        back.metrics.sessions.labels("started").inc()
        note(request, outcome="started", user_id=outcome.session.user_id)
        # 303, and no Referer: the address of this answer has the code in it.
        response = web.Response(
            status=303,
            headers={
                "Location": outcome.return_to,
                "Cache-Control": "no-store",
                "Referrer-Policy": "no-referrer",
            },
        )
        set_session(response, back, outcome.session, outcome.granted)
    set_flows(response, back, left)
    return response


async def get_logout(request: web.Request) -> web.Response:
    """GET /auth/logout: at once where the person went here, else after they said so."""
    if not is_own_doing(request):
        return page(request, "confirm", status=200)
    return await _log_out(request)


async def post_logout(request: web.Request) -> web.Response:
    """POST /auth/logout, from our own pages."""
    back = request.app[BACK_END]
    if is_of_another_site(request, origin=back.settings.origin):
        note(request, outcome="cross_site")
        return page(request, "cross_site", status=403)
    return await _log_out(request)


async def _log_out(request: web.Request) -> web.Response:
    back = request.app[BACK_END]
    session = session_of(request, back)
    revoked = True
    if session is not None:
        note(request, user_id=session.user_id)
        revoked = await sign_out(back, session, request_id=request[META].request_id)
    note(request, outcome="signed_out" if revoked else "not_revoked")
    kind = "signed_out" if revoked else "signed_out_here"
    response = page(request, kind, status=200, headers=_LOGOUT_HEADERS)
    clear_session(response, back)
    return response
