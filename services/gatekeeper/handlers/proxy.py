"""Everything else: the web app, for who has a session.

It learns who that is from `Authorization` and the consumer's headers, which are ours alone.
"""

from collections.abc import Mapping

from aiohttp import web

from services.gatekeeper.actions.keep_session import Ended, GoesOn, Unknown, keep_session
from services.gatekeeper.handlers.browsers import is_of_another_site, wants_page
from services.gatekeeper.handlers.cookies import clear_session, session_of, set_session
from services.gatekeeper.handlers.forwarding import TooLargeError, UpstreamError, forward
from services.gatekeeper.handlers.keys import BACK_END
from services.gatekeeper.handlers.pages import page
from services.gatekeeper.handlers.sign_in import begin
from shared.runtime.http import META, note
from shared.runtime.platform import MISSING_BEARER
from shared.wire import envelope
from shared.wire.envelope import UNAVAILABLE_TEXT, Problem


async def any_page(request: web.Request) -> web.StreamResponse:
    """Pass the request on for whoever is signed in."""
    back = request.app[BACK_END]
    if not request.raw_path.startswith("/"):
        return _refused(request, "code", Problem(400, "request_malformed"))
    if is_of_another_site(request, origin=back.settings.origin):
        note(request, outcome="cross_site")
        return _refused(request, "cross_site", envelope.forbidden("Access denied"))
    session = session_of(request, back)
    if session is None:
        return _signed_out(request)
    verdict = await keep_session(back, session, request_id=request[META].request_id)
    if isinstance(verdict, Ended):
        response = _signed_out(request)
        clear_session(response, back)
        return response
    if isinstance(verdict, Unknown):
        return _unavailable(request)
    return await _pass_on(request, verdict)


async def _pass_on(request: web.Request, verdict: GoesOn) -> web.StreamResponse:
    back = request.app[BACK_END]
    note(request, outcome="passed", user_id=verdict.session.user_id)
    ours = {
        "Authorization": f"Bearer {verdict.session.access}",
        "X-Request-ID": request[META].request_id,
        **verdict.kept.headers,
    }

    def keep(response: web.StreamResponse) -> None:
        if verdict.granted is not None:
            set_session(response, back, verdict.session, verdict.granted)

    try:
        return await forward(request, back, ours, before=keep)
    except TooLargeError:
        text = f"Request body is larger than {back.settings.body_limit} bytes."
        response = _refused(request, "too_large", Problem(413, "request_too_large", text))
    except UpstreamError as error:
        note(request, unavailable=str(error))
        response = _unavailable(request)
    keep(response)
    return response


def _signed_out(request: web.Request) -> web.Response:
    """To the sign-in, if it is a page; a form that was sent is not thrown away."""
    if not wants_page(request):
        return _envelope(request, envelope.access_denied(MISSING_BEARER))
    if request.method in {"GET", "HEAD"}:
        return begin(request, request.raw_path)
    note(request, outcome="expired")
    return page(request, "expired", status=401, link="/auth/sign-in")


def _unavailable(request: web.Request) -> web.Response:
    headers = {"Retry-After": "1"}
    problem = Problem(503, "service_unavailable", UNAVAILABLE_TEXT, headers=headers)
    return _refused(request, "unavailable", problem)


def _refused(request: web.Request, kind: str, problem: Problem) -> web.Response:
    if wants_page(request):
        return page(request, kind, status=problem.status, headers=problem.headers)
    return _envelope(request, problem)


def _envelope(request: web.Request, problem: Problem) -> web.Response:
    headers: Mapping[str, str] = {
        "Content-Type": envelope.JSON,
        "Cache-Control": "no-store",
        **problem.headers,
    }
    body = envelope.failure(request[META], problem)
    return web.Response(body=body, status=problem.status, headers=headers)
