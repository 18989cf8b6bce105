"""/sign-in/set-up: a first or a further factor: number, authenticator app, or passkey."""

import io

import segno
from aiohttp import web
from markupsafe import Markup

from services.auth_web.domain.flows import Flow, OwnPage, ToOwnPage
from services.auth_web.domain.passkeys import credential_of
from services.auth_web.domain.phones import code_of, normalized
from services.auth_web.domain.refusal_words import Trouble, trouble
from services.auth_web.handlers.browsers import (
    Pending,
    SettingUp,
    address_of,
    pending_of,
    signed_in_of,
    texts_of,
)
from services.auth_web.handlers.keys import DEPS
from services.auth_web.handlers.passkeys import show_passkey
from services.auth_web.handlers.progress import (
    advance,
    await_approval,
    nothing_pending,
    remember_typed,
    start_of,
    typed_before,
)
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
from shared.peers.sign_in_answers import (
    Factor,
    FactorType,
    Refusal,
    SignInUnavailableError,
    Step,
)
from shared.runtime.pages import SESSION, StaleFormError, read_form, see_other

_TYPES: tuple[FactorType, ...] = ("SMS", "TOTP", "WEBAUTHN")


async def get_set_up(request: web.Request) -> web.StreamResponse:
    """The choice of what to set up."""
    flow = flow_or_own(request)
    pending = _under_way(request)
    if pending is None:
        return go("/sign-in", flow)
    return _choice(request, flow, pending, typed_before(request, "factor"))


async def post_set_up(request: web.Request) -> web.StreamResponse:
    """Begin to set a factor up."""
    flow = flow_or_own(request)
    t = texts_of(request)
    pending = _under_way(request)
    try:
        form = await read_form(request)
    except StaleFormError as stale:
        typed = stale.typed.get("factor", "")[:32]
        if pending is None:
            remember_typed(request, factor=typed)
            return sign_in_again(request, flow)
        wrong = trouble("stale_form", t, status=403)
        return _choice(request, flow, pending, typed, wrong)
    typed = form.get("factor", "")[:32]
    if pending is None:
        remember_typed(request, factor=typed)
        return sign_in_again(request, flow)
    kind = next((known for known in _TYPES if known == form.get("type")), None)
    phone = normalized(typed) if kind == "SMS" else None
    if kind is None or (kind == "SMS" and phone is None):
        return _choice(
            request, flow, pending, typed, trouble("fields", t, fields={"factor": "phone"})
        )
    return await _begin(request, flow, pending, kind, phone)


async def _begin(
    request: web.Request,
    flow: Flow,
    pending: Pending,
    kind: FactorType,
    phone: str | None,
) -> web.StreamResponse:
    body = {"type": kind} if phone is None else {"type": kind, "factor": phone}
    try:
        step = await request.app[DEPS].api.init_factor(
            body, bearer=pending.token, address=address_of(request)
        )
    except SignInUnavailableError:
        wrong = trouble("unavailable", texts_of(request), status=503)
        return _choice(request, flow, pending, phone or "", wrong)
    counted(request, "set_up", step)
    if isinstance(step, Refusal):
        if step.status == 403 and pending.grant == "add_factor":
            return step_up(request)
        if ends_session(step):
            return sign_in_again(request, flow)
        return _choice(request, flow, pending, phone or "", in_words(request, step))
    setting_up = SettingUp(
        type=kind,
        phone=phone,
        secret=None if step.totp is None else step.totp.secret,
        uri=None if step.totp is None else step.totp.uri,
        options=None if step.webauthn is None else dict(step.webauthn),
    )
    return await_approval(request, flow, step, pending, setting_up)


async def get_confirm(request: web.Request) -> web.StreamResponse:
    """What must be done to prove the new factor."""
    flow = flow_or_own(request)
    pending = pending_of(request)
    if pending is None or pending.setting_up is None:
        return go("/sign-in/set-up", flow)
    return _confirm(request, flow, pending, pending.setting_up)


async def post_confirm(request: web.Request) -> web.StreamResponse:
    """Prove the new factor; the sign-in goes on."""
    flow = flow_or_own(request)
    t = texts_of(request)
    pending = pending_of(request)
    try:
        form = await read_form(request)
    except StaleFormError:
        if pending is None or pending.setting_up is None:
            return nothing_pending(request, flow)
        wrong = trouble("stale_form", t, status=403)
        return _confirm(request, flow, pending, pending.setting_up, wrong)
    if pending is None or pending.setting_up is None:
        return nothing_pending(request, flow)
    body: dict[str, object]
    if pending.setting_up.type == "WEBAUTHN":
        credential = credential_of(form.get("webauthn", ""))
        if credential is None:
            wrong = trouble("passkey", t)
            return _confirm(request, flow, pending, pending.setting_up, wrong)
        body = {"webauthn": credential}
    else:
        code = code_of(form.get("otp", ""))
        if code is None:
            wrong = trouble("fields", t, fields={"otp": "code"})
            return _confirm(request, flow, pending, pending.setting_up, wrong)
        body = {"otp": code}
    return await _approve(request, flow, pending, pending.setting_up, body)


async def _approve(
    request: web.Request,
    flow: Flow,
    pending: Pending,
    setting_up: SettingUp,
    body: dict[str, object],
) -> web.StreamResponse:
    try:
        outcome = await request.app[DEPS].api.approve_factor(
            body, bearer=pending.token, address=address_of(request)
        )
    except SignInUnavailableError:
        wrong = trouble("unavailable", texts_of(request), status=503)
        return _confirm(request, flow, pending, setting_up, wrong)
    counted(request, "set_up_confirmed", outcome)
    if isinstance(outcome, Step):
        return advance(request, flow, outcome, email=pending.email, grant=pending.grant)
    if ends_session(outcome):
        return sign_in_again(request, flow)
    return _confirm(request, flow, pending, setting_up, in_words(request, outcome))


def step_up(request: web.Request) -> web.StreamResponse:
    """A change needs a fresh sign-in."""
    request[SESSION].flash("refused.step_up", kind="warning")
    signed_in = signed_in_of(request)
    email = None if signed_in is None else signed_in.email
    flow = ToOwnPage(page=OwnPage.FACTORS, email=email)
    return see_other(f"/sign-in?{flow.query()}&again=1")


def _under_way(request: web.Request) -> Pending | None:
    """The sign-in that needs a factor; or, of who is signed in, the wish to add one."""
    pending = pending_of(request)
    if pending is not None:
        return pending
    signed_in = signed_in_of(request)
    if signed_in is None:
        return None
    return Pending(token=signed_in.token, grant="add_factor", email=signed_in.email)


def _choice(
    request: web.Request,
    flow: Flow,
    pending: Pending,
    typed: str = "",
    wrong: Trouble | None = None,
) -> web.Response:
    return show(
        request,
        Visit(flow=flow),
        "set_up.html",
        trouble=wrong,
        must=pending.grant != "add_factor",
        phone=typed,
    )


def _confirm(
    request: web.Request,
    flow: Flow,
    pending: Pending,
    setting_up: SettingUp,
    wrong: Trouble | None = None,
) -> web.Response:
    match setting_up.type:
        case "WEBAUTHN":
            options = dict(setting_up.options or {})
            return show_passkey(
                request, flow, pending, options=options, creates=True, wrong=wrong
            )
        case "TOTP":
            return show(
                request,
                Visit(flow=flow),
                "set_up_totp.html",
                trouble=wrong,
                qr=_qr(setting_up.uri or ""),
                secret=_grouped(setting_up.secret or ""),
            )
        case "SMS":
            return show(
                request,
                Visit(flow=flow),
                "code.html",
                trouble=wrong,
                factor=Factor(id="", type="SMS", factor=setting_up.phone),
                action="/sign-in/set-up/confirm",
                resend=None,
                wait=0,
                others=False,
                start=start_of(pending.grant),
            )


def _qr(uri: str) -> Markup:
    """The QR code as inline SVG, without styles that the policy of the page would stop."""
    out = io.BytesIO()
    segno.make(uri, error="m").save(
        out,
        kind="svg",
        border=2,
        xmldecl=False,
        svgns=False,
        omitsize=True,
        svgclass=None,
        lineclass=None,
        nl=False,
    )
    return Markup(out.getvalue().decode())  # noqa: S704 — made by the library, of dots


def _grouped(secret: str) -> str:
    """A secret in fours, to be read and typed."""
    return " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
