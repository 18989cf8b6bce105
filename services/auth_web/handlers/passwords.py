"""A new password: after a sign-in to change it, or by a mailed link; and asking for the link."""

from typing import Literal

from aiohttp import web

from services.auth_web.domain.flows import ToClient
from services.auth_web.domain.refusal_words import Trouble, trouble
from services.auth_web.handlers.browsers import (
    address_of,
    changing_of,
    keep,
    texts_of,
)
from services.auth_web.handlers.keys import DEPS
from services.auth_web.handlers.sign_in import counted
from services.auth_web.handlers.visits import (
    Visit,
    ends_session,
    flow_or_own,
    go,
    in_words,
    show,
    sign_in_again,
)
from shared.peers.sign_in_answers import Done, Refusal, SignInUnavailableError
from shared.runtime.pages import SESSION, PageError, StaleFormError, read_form


async def get_new(request: web.Request) -> web.StreamResponse:
    """The form for the new password, after a sign-in to change it."""
    flow = flow_or_own(request)
    if changing_of(request) is None:
        return go("/update-password", flow)
    return _form(request, Visit(flow=flow))


async def post_new(request: web.Request) -> web.StreamResponse:
    """Set the new password; the token for it is used up, and all sessions end."""
    flow = flow_or_own(request)
    visit = Visit(flow=flow)
    password = await _new_password(request)
    changing = changing_of(request)
    if changing is None:
        return sign_in_again(request, flow)
    if isinstance(password, Trouble):
        return _form(request, visit, password)
    deps = request.app[DEPS]
    try:
        outcome = await deps.api.update_password(
            password, bearer=changing.token, address=address_of(request)
        )
    except SignInUnavailableError:
        return _form(request, visit, _away(request))
    counted(request, "new_password", outcome)
    if isinstance(outcome, Refusal):
        if ends_session(outcome):
            return sign_in_again(request, flow)
        return _form(request, visit, in_words(request, outcome))
    deps.sessions.renew(request[SESSION])
    return go("/update-password/done", flow)


async def get_done(request: web.Request) -> web.StreamResponse:
    """The password is changed."""
    return _message(request, "changed")


async def get_reset(request: web.Request) -> web.StreamResponse:
    """The form that asks for a mailed link."""
    flow = flow_or_own(request)
    return _reset_form(request, Visit(flow=flow), flow.email or "")


async def post_reset(request: web.Request) -> web.StreamResponse:
    """Ask for the link. The page that follows is the same whether anyone has the address."""
    flow = flow_or_own(request)
    visit, t = Visit(flow=flow), texts_of(request)
    try:
        form = await read_form(request)
    except StaleFormError as stale:
        wrong = trouble("stale_form", t, status=403)
        return _reset_form(request, visit, stale.typed.get("email", ""), wrong)
    email = form.get("email", "").strip()
    if "@" not in email or len(email) > 255:
        wrong = trouble("fields", t, fields={"email": "email" if email else "required"})
        return _reset_form(request, visit, email, wrong)
    body = {"email": email}
    if isinstance(flow, ToClient):
        body |= {"client_id": flow.client_id, "redirect_uri": flow.redirect_uri}
    try:
        outcome = await request.app[DEPS].api.request_recovery(
            body, address=address_of(request)
        )
    except SignInUnavailableError:
        return _reset_form(request, visit, email, _away(request))
    counted(request, "reset", outcome)
    if isinstance(outcome, Refusal):
        return _reset_form(request, visit, email, in_words(request, outcome))
    return go("/reset/sent", flow)


async def get_reset_sent(request: web.Request) -> web.StreamResponse:
    """A mail is on its way, if we know the address."""
    return _message(request, "reset_sent")


async def get_reset_password(request: web.Request) -> web.StreamResponse:
    """The form that a mailed link opens. Opening it uses nothing up: scanners open links."""
    return _form(request, Visit(flow=flow_or_own(request)))


async def post_reset_password(request: web.Request) -> web.StreamResponse:
    """Set the new password by the link, which is used up."""
    flow = flow_or_own(request)
    visit = Visit(flow=flow)
    password = await _new_password(request)
    if isinstance(password, Trouble):
        return _form(request, visit, password)
    deps = request.app[DEPS]
    try:
        outcome = await deps.api.reset_password(
            request.match_info["value"], password, address=address_of(request)
        )
    except SignInUnavailableError:
        return _form(request, visit, _away(request))
    counted(request, "reset_password", outcome)
    match outcome:
        case Done():
            keep(request, pending=None, signed_in=None, changing=None)
            return go("/update-password/done", flow)
        case Refusal(status=404):
            raise PageError(404, "link_used", link=f"/reset?{flow.query()}")
        case Refusal():
            return _form(request, visit, in_words(request, outcome))


async def _new_password(request: web.Request) -> str | Trouble:
    """The password that was typed twice, or what is wrong with it."""
    t = texts_of(request)
    try:
        form = await read_form(request)
    except StaleFormError:
        return trouble("stale_form", t, status=403)
    password, repeated = form.get("password", ""), form.get("repeated", "")
    if not password:
        return trouble("fields", t, fields={"password": "required"})
    if password != repeated:
        fields = {"repeated": t("new.differ")}
        return Trouble(text=t("refused.fields"), status=422, fields=fields)
    return password


def _away(request: web.Request) -> Trouble:
    return trouble("unavailable", texts_of(request), status=503)


def _form(request: web.Request, visit: Visit, wrong: Trouble | None = None) -> web.Response:
    action = f"{request.rel_url.raw_path}?{visit.query}"
    return show(request, visit, "new_password.html", trouble=wrong, action=action)


def _reset_form(
    request: web.Request, visit: Visit, email: str, wrong: Trouble | None = None
) -> web.Response:
    return show(request, visit, "reset.html", trouble=wrong, email=email[:255])


def _message(
    request: web.Request, name: Literal["changed", "reset_sent"]
) -> web.StreamResponse:
    flow = flow_or_own(request)
    link = f"/sign-in?{flow.query()}"
    return show(request, Visit(flow=flow), "message.html", name=name, link=link)
