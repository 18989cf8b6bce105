"""/device: a user allows what a device without a browser asks for, or does not (RFC 8628 §3.3).

The code is looked up for who is signed in alone: guesses are counted by user. And the question
is always asked, though nothing be new: a code or a link may come from somebody else (§5.4).
"""

from aiohttp import web

from services.auth_web.domain.flows import ToDevice
from services.auth_web.domain.refusal_words import Trouble, key_of, trouble
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
    NONE_OF_OURS,
    Visit,
    away,
    ends_session,
    flow_of,
    go,
    in_words,
    refuse,
    said_of,
    show,
    sign_in_again,
)
from shared.peers.sign_in_answers import Consent, Refusal, SignInUnavailableError
from shared.runtime.pages import PageError, StaleFormError, read_form, see_other

_LONGEST = 32  # a code, with whatever is typed between its letters
_AT_THE_FORM = frozenset({"device_code", "too_many"})


async def get_device(request: web.Request) -> web.StreamResponse:
    """The form; a code in the address is filled in, and not taken before its user says so."""
    return _form(request, request.query.get("user_code", ""))


async def post_device(request: web.Request) -> web.StreamResponse:
    """A code was typed: on to sign-in, and to the question."""
    t = texts_of(request)
    try:
        typed = (await read_form(request)).get("user_code", "").strip()
    except StaleFormError as stale:
        before = stale.typed.get("user_code", "")
        return _form(request, before, trouble("stale_form", t, status=403))
    if not typed or len(typed) > _LONGEST:
        problem = "invalid" if typed else "required"
        return _form(request, typed, trouble("fields", t, fields={"user_code": problem}))
    flow = ToDevice(user_code=typed)
    return go("/sign-in" if signed_in_of(request) is None else "/device/confirm", flow)


async def get_confirm(request: web.Request) -> web.StreamResponse:
    """The question: which client, what for, and whether the device is at hand."""
    flow, signed_in = _who(request)
    if signed_in is None:
        return go("/sign-in", flow)
    return await _question(request, flow, signed_in)


async def post_confirm(request: web.Request) -> web.StreamResponse:
    """The answer."""
    flow, signed_in = _who(request)
    stale: Trouble | None = None
    answer = ""
    try:
        answer = (await read_form(request)).get("answer", "")
    except StaleFormError:
        stale = trouble("stale_form", texts_of(request), status=403)
    if signed_in is None:
        return sign_in_again(request, flow)
    if stale is not None or answer not in {"allow", "deny"}:
        return await _question(request, flow, signed_in, stale)
    try:
        outcome = await request.app[DEPS].api.answer_device(
            flow.user_code, answer, bearer=signed_in.token, address=address_of(request)
        )
    except SignInUnavailableError:
        raise away() from None
    counted(request, f"device_{answer}", outcome)
    if isinstance(outcome, Refusal):
        return _refused(request, flow, outcome)
    return see_other("/device/allowed" if answer == "allow" else "/device/denied")


async def get_done(request: web.Request) -> web.StreamResponse:
    """It is done; the rest happens on the device."""
    name = f"device.{request.match_info['answer']}"
    return show(request, Visit(flow=NONE_OF_OURS), "message.html", name=name, link=None)


def _who(request: web.Request) -> tuple[ToDevice, SignedIn | None]:
    flow = flow_of(request)
    if not isinstance(flow, ToDevice):
        raise PageError(400)
    return flow, signed_in_of(request)


async def _question(
    request: web.Request,
    flow: ToDevice,
    signed_in: SignedIn,
    wrong: Trouble | None = None,
) -> web.StreamResponse:
    try:
        found = await request.app[DEPS].api.device(
            flow.user_code, bearer=signed_in.token, address=address_of(request)
        )
    except SignInUnavailableError:
        raise away() from None
    if isinstance(found, Refusal):
        return _refused(request, flow, found)
    return _ask(request, flow, signed_in, found, wrong)


def _ask(
    request: web.Request,
    flow: ToDevice,
    signed_in: SignedIn,
    found: Consent,
    wrong: Trouble | None,
) -> web.Response:
    return show(
        request,
        Visit(flow=flow),
        "device_confirm.html",
        trouble=wrong,
        client_name=found.client_name,
        user_code=found.user_code,
        permissions=scopes_in_words(found.scope, texts_of(request).language),
        scopes=found.scope,
        email=signed_in.email,
    )


def _refused(request: web.Request, flow: ToDevice, refusal: Refusal) -> web.StreamResponse:
    if ends_session(refusal):
        return sign_in_again(request, flow)
    if key_of(said_of(refusal)) in _AT_THE_FORM:
        return _form(request, flow.user_code, in_words(request, refusal))
    refuse(request, refusal)


def _form(
    request: web.Request, user_code: str, wrong: Trouble | None = None
) -> web.Response:
    return show(
        request,
        Visit(flow=NONE_OF_OURS),
        "device.html",
        trouble=wrong,
        user_code=user_code[:_LONGEST],
    )
