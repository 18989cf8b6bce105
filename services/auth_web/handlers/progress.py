"""From one step of a sign-in to the next: `urgent.next_step` of mithril-api decides."""

from aiohttp import web

from services.auth_web.domain.flows import Flow, ToClient, ToDevice, ToOwnPage
from services.auth_web.handlers.browsers import (
    Changing,
    Grant,
    Pending,
    SettingUp,
    SignedIn,
    keep,
    signed_in_of,
)
from services.auth_web.handlers.keys import DEPS
from services.auth_web.handlers.visits import go, sign_in_again
from shared.peers.sign_in_answers import Step
from shared.runtime.pages import SESSION, see_other

# The values that outlive a change of session: what was typed and is no secret.
_TYPED = "typed"


def advance(
    request: web.Request, flow: Flow, step: Step, *, email: str, grant: Grant
) -> web.Response:
    """Keep the token of a step in a new session, and lead to the page of the next one."""
    _new_session(request, step)
    if step.kind == "change_password_token":
        keep(request, changing=Changing(token=step.token, email=email))
        return go("/update-password/new", flow)
    if step.kind == "access_token":
        keep(request, signed_in=SignedIn(token=step.token, email=email))
        if grant == "add_factor":
            request[SESSION].flash("set_up.done")
        return destination(flow)
    wait = Pending(
        token=step.token,
        grant=grant,
        email=email,
        factors=step.factors,
        factor_id=step.factor_id,
        sent_at=request.app[DEPS].clock.now().timestamp(),
    )
    keep(request, pending=wait)
    match step.next_step:
        case "REQUEST_FACTOR":
            return go("/sign-in/set-up", flow)
        case "REQUEST_WEBAUTHN":
            return go("/sign-in/passkey", flow)
        case _:
            return go("/sign-in/code", flow)


def await_approval(
    request: web.Request, flow: Flow, step: Step, before: Pending, setting_up: SettingUp
) -> web.Response:
    """A factor was begun: its new token, and what to show, are kept until it is proved."""
    _new_session(request, step)
    wait = before.model_copy(
        update={
            "token": step.token,
            "setting_up": setting_up,
            "sent_at": request.app[DEPS].clock.now().timestamp(),
        }
    )
    keep(request, pending=wait)
    return go("/sign-in/set-up/confirm", flow)


def destination(flow: Flow) -> web.Response:
    """Where a finished sign-in goes: to consent, or to the page of ours that asked for it."""
    match flow:
        case ToClient():
            return go("/consent", flow)
        case ToDevice():
            return go("/device/confirm", flow)
        case ToOwnPage(page=page):
            return see_other(page.path)


def nothing_pending(request: web.Request, flow: Flow) -> web.StreamResponse:
    """A form of a sign-in that is not under way: finished in another tab, or over."""
    if signed_in_of(request) is not None:
        return destination(flow)
    return sign_in_again(request, flow)


def start_of(grant: Grant) -> str:
    """The first page of a kind of sign-in."""
    return "/update-password" if grant == "change_password" else "/sign-in"


def remember_typed(request: web.Request, **values: str) -> None:
    """Keep what was typed and is no secret, over the end of a session."""
    request[SESSION].put(**{_TYPED: {**(request[SESSION].get(_TYPED) or {}), **values}})


def typed_before(request: web.Request, name: str) -> str:
    """What was typed in a form that a session ended under."""
    return str((request[SESSION].get(_TYPED) or {}).get(name, ""))


def _new_session(request: web.Request, step: Step) -> None:
    """Whoever planted the former session has nothing of this one."""
    session = request[SESSION]
    typed = session.get(_TYPED)
    request.app[DEPS].sessions.renew(session, until=step.expires_at)
    if typed:
        session.put(**{_TYPED: typed})
