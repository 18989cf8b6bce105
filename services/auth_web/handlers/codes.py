"""/sign-in/code and /sign-in/factor: a one-time code, sent again, or another factor instead."""

from collections.abc import Mapping

from aiohttp import web

from services.auth_web.domain.flows import Flow
from services.auth_web.domain.phones import code_of
from services.auth_web.domain.refusal_words import Trouble, trouble
from services.auth_web.handlers.browsers import (
    Pending,
    address_of,
    keep,
    pending_of,
    texts_of,
)
from services.auth_web.handlers.keys import DEPS
from services.auth_web.handlers.progress import advance, nothing_pending, start_of
from services.auth_web.handlers.sign_in import counted
from services.auth_web.handlers.visits import (
    Visit,
    away,
    ends_session,
    flow_or_own,
    go,
    in_words,
    show,
    sign_in_again,
)
from shared.peers.sign_in_answers import (
    Factor,
    Refusal,
    SignInUnavailableError,
    Step,
)
from shared.runtime.pages import SESSION, StaleFormError, read_form

_SMS = Factor(id="", type="SMS")  # where mithril-api does not list the factors


async def get_code(request: web.Request) -> web.StreamResponse:
    """The form for a code."""
    flow = flow_or_own(request)
    pending = pending_of(request)
    if pending is None:
        return go("/sign-in", flow)
    return _form(request, flow, pending)


async def post_code(request: web.Request) -> web.StreamResponse:
    """Finish a sign-in by a code."""
    flow = flow_or_own(request)
    try:
        form = await read_form(request)
    except StaleFormError:
        return _stale(request, flow)
    pending = pending_of(request)
    if pending is None:
        return nothing_pending(request, flow)
    t = texts_of(request)
    code = code_of(form.get("otp", ""))
    if code is None:
        return _form(request, flow, pending, trouble("fields", t, fields={"otp": "code"}))
    token = {"grant_type": "authorize_2fa_access_token", "otp": code}
    if pending.factor_id:
        token["factor_id"] = pending.factor_id
    return await finish(request, flow, pending, token)


async def finish(
    request: web.Request, flow: Flow, pending: Pending, token: Mapping[str, object]
) -> web.StreamResponse:
    """Finish a sign-in by the proof of a factor."""
    try:
        outcome = await request.app[DEPS].api.login(
            token, address=address_of(request), bearer=pending.token
        )
    except SignInUnavailableError:
        wrong = trouble("unavailable", texts_of(request), status=503)
        return _form(request, flow, pending, wrong)
    counted(request, "second_factor", outcome)
    if isinstance(outcome, Refusal):
        if ends_session(outcome):
            return sign_in_again(request, flow)
        return _form(request, flow, pending, in_words(request, outcome))
    return advance(request, flow, outcome, email=pending.email, grant=pending.grant)


async def post_resend(request: web.Request) -> web.StreamResponse:
    """Send another code by SMS, not too soon."""
    flow = flow_or_own(request)
    try:
        await read_form(request)
    except StaleFormError:
        return _stale(request, flow)
    pending = pending_of(request)
    if pending is None:
        return nothing_pending(request, flow)
    if seconds_to_wait(request, pending):
        request[SESSION].flash("code.too_early", kind="warning")
        return go("/sign-in/code", flow)
    return await _send(request, flow, pending, pending.factor_id)


async def get_factor(request: web.Request) -> web.StreamResponse:
    """The choice between the user's factors."""
    flow = flow_or_own(request)
    pending = pending_of(request)
    if pending is None:
        return go("/sign-in", flow)
    return _choice(request, flow, pending)


async def post_factor(request: web.Request) -> web.StreamResponse:
    """Take another factor; a code is sent if that is what it needs."""
    flow = flow_or_own(request)
    try:
        form = await read_form(request)
    except StaleFormError:
        return _stale(request, flow)
    pending = pending_of(request)
    if pending is None:
        return nothing_pending(request, flow)
    chosen = {factor.id: factor for factor in pending.factors}.get(
        form.get("factor_id", "")
    )
    if chosen is None:
        wrong = trouble("not_found", texts_of(request))
        return _choice(request, flow, pending, wrong)
    if chosen.type == "SMS":
        if chosen.id == pending.factor_id and seconds_to_wait(request, pending):
            return go("/sign-in/code", flow)  # it is on its way
        return await _send(request, flow, pending, chosen.id)
    keep(request, pending=pending.model_copy(update={"factor_id": chosen.id}))
    return go("/sign-in/passkey" if chosen.type == "WEBAUTHN" else "/sign-in/code", flow)


async def _send(
    request: web.Request, flow: Flow, pending: Pending, factor_id: str | None
) -> web.StreamResponse:
    token: dict[str, object] = {"grant_type": "refresh_2fa_access_token"}
    if factor_id:
        token["factor_id"] = factor_id
    deps = request.app[DEPS]
    try:
        outcome = await deps.api.login(
            token, address=address_of(request), bearer=pending.token
        )
    except SignInUnavailableError:
        raise away() from None
    counted(request, "resend", outcome)
    if isinstance(outcome, Refusal):
        if ends_session(outcome):
            return sign_in_again(request, flow)
        return _form(request, flow, pending, in_words(request, outcome))
    keep(request, pending=_sent(request, pending, outcome, factor_id))
    request[SESSION].flash("code.resent")
    return go("/sign-in/code", flow)


def _sent(
    request: web.Request, pending: Pending, step: Step, factor_id: str | None
) -> Pending:
    return pending.model_copy(
        update={
            "token": step.token,
            "factors": step.factors or pending.factors,
            "factor_id": factor_id or step.factor_id,
            "sent_at": request.app[DEPS].clock.now().timestamp(),
        }
    )


def seconds_to_wait(request: web.Request, pending: Pending) -> int:
    """How long until another code may be asked for."""
    deps = request.app[DEPS]
    ready = pending.sent_at + deps.settings.code_resend_seconds
    return max(0, round(ready - deps.clock.now().timestamp()))


def _stale(request: web.Request, flow: Flow) -> web.StreamResponse:
    """A form of another session: shown anew if a sign-in is still under way, else over."""
    pending = pending_of(request)
    if pending is None:
        return nothing_pending(request, flow)
    return _form(
        request, flow, pending, trouble("stale_form", texts_of(request), status=403)
    )


def _form(
    request: web.Request, flow: Flow, pending: Pending, wrong: Trouble | None = None
) -> web.StreamResponse:
    factor = pending.factor() or _SMS
    if factor.type == "WEBAUTHN":
        # A passkey that failed is shown by its own page, with fresh options.
        if wrong is not None:
            request[SESSION].flash("refused.passkey", kind="trouble")
        return go("/sign-in/passkey", flow)
    is_sms = factor.type == "SMS"
    return show(
        request,
        Visit(flow=flow),
        "code.html",
        trouble=wrong,
        factor=factor,
        action="/sign-in/code",
        resend="/sign-in/code/resend" if is_sms else None,
        wait=seconds_to_wait(request, pending) if is_sms else 0,
        others=len(pending.factors) > 1,
        start=start_of(pending.grant),
    )


def _choice(
    request: web.Request, flow: Flow, pending: Pending, wrong: Trouble | None = None
) -> web.Response:
    return show(
        request,
        Visit(flow=flow),
        "choose.html",
        trouble=wrong,
        factors=pending.factors,
        start=start_of(pending.grant),
    )
