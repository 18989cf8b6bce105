"""/sign-in: the form, and the password grant behind it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from aiohttp import web

from services.auth_web.domain.captcha import RESPONSE_FIELD
from services.auth_web.domain.flows import Flow, ToOwnPage
from services.auth_web.domain.refusal_words import Trouble, trouble
from services.auth_web.handlers.browsers import (
    Grant,
    address_of,
    signed_in_of,
    texts_of,
)
from services.auth_web.handlers.keys import DEPS
from services.auth_web.handlers.progress import advance, destination
from services.auth_web.handlers.visits import (
    Visit,
    flow_of,
    flow_or_own,
    in_words,
    show,
    verified,
)
from shared.peers.sign_in_answers import Refusal, SignInUnavailableError, Step
from shared.runtime.http import note
from shared.runtime.pages import PageError, StaleFormError, read_form

_SCOPE: dict[Grant, str] = {
    "password": "app:authorize",
    "change_password": "user:change_password",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Typed:
    """What a form brought; `captcha` is what its widget put there."""

    email: str
    password: str = field(repr=False)
    captcha: str = field(repr=False)

    @classmethod
    def of(cls, form: Mapping[str, str]) -> "_Typed":
        return cls(
            email=form.get("email", "").strip(),
            password=form.get("password", ""),
            captcha=form.get(RESPONSE_FIELD, ""),
        )

    def missing(self, *, captcha: bool) -> dict[str, str]:
        """What is said of each field that is empty and may not be."""
        needed = [("email", "required"), ("password", "required")]
        if captcha:
            needed.append(("captcha", "captcha"))
        return {name: said for name, said in needed if not getattr(self, name)}


async def get_sign_in(request: web.Request) -> web.StreamResponse:
    """The form; whoever is signed in goes on at once, unless the flow wants a fresh sign-in."""
    visit = await verified(request, flow_of(request))
    again = isinstance(visit.flow, ToOwnPage) and visit.flow.again
    if signed_in_of(request) is not None and not again:
        return destination(visit.flow)
    return _form(request, visit, visit.flow.email or "")


async def post_sign_in(request: web.Request) -> web.StreamResponse:
    """Sign in by password."""
    flow = flow_of(request)
    return await _post(request, flow, grant="password")


async def get_update_password(request: web.Request) -> web.StreamResponse:
    """The form that comes before a new password."""
    visit = await verified(request, flow_or_own(request))
    signed_in = signed_in_of(request)
    email = visit.flow.email or (signed_in.email if signed_in else "")
    return _form(request, visit, email, grant="change_password")


async def post_update_password(request: web.Request) -> web.StreamResponse:
    """Sign in to change the password."""
    return await _post(request, flow_or_own(request), grant="change_password")


async def _post(request: web.Request, flow: Flow, *, grant: Grant) -> web.StreamResponse:
    t = texts_of(request)
    unverified = Visit(flow=flow)
    try:
        typed = _Typed.of(await read_form(request))
    except StaleFormError as stale:
        email = stale.typed.get("email", "")
        wrong = trouble("stale_form", t, status=403)
        return _form(request, unverified, email, wrong, grant=grant)
    email = typed.email
    try:
        visit = await verified(request, flow)
    except PageError as error:
        if error.status != 503:
            raise
        return _form(
            request, unverified, email, trouble("unavailable", t, status=503), grant=grant
        )
    missing = typed.missing(captcha=request.app[DEPS].captcha is not None)
    if missing:
        return _form(
            request, visit, email, trouble("fields", t, fields=missing), grant=grant
        )
    return await _try(request, visit, typed, grant)


async def _try(
    request: web.Request, visit: Visit, typed: _Typed, grant: Grant
) -> web.StreamResponse:
    deps, email = request.app[DEPS], typed.email
    token = {
        "grant_type": grant,
        "email": email,
        "password": typed.password,
        "client_id": deps.settings.client_id,
        "scope": _SCOPE[grant],
    }
    if deps.captcha is not None:
        token["token"] = typed.captcha
    try:
        outcome = await deps.api.login(token, address=address_of(request))
    except SignInUnavailableError:
        wrong = trouble("unavailable", texts_of(request), status=503)
        return _form(request, visit, email, wrong, grant=grant)
    counted(request, grant, outcome)
    if isinstance(outcome, Refusal):
        wrong = in_words(request, outcome)
        if outcome.kind == "password_expired":
            link = f"/update-password?{visit.query}"
            words = texts_of(request)("sign_in.change")
            wrong = Trouble(text=wrong.text, status=wrong.status, link=(link, words))
        return _form(request, visit, email, wrong, grant=grant)
    return advance(request, visit.flow, outcome, email=email, grant=grant)


def counted(request: web.Request, form: str, outcome: object) -> None:
    """Count what came of a form, and say it in the log."""
    result = outcome.kind or "refused" if isinstance(outcome, Refusal) else "done"
    if isinstance(outcome, Step) and outcome.kind == "2fa_access_token":
        result = "second_factor"
    request.app[DEPS].metrics.steps.labels(
        form, result if result in _OUTCOMES else "refused"
    ).inc()
    note(request, form=form, outcome=result)


_OUTCOMES = frozenset(
    {
        "done",
        "second_factor",
        "access_denied",
        "user_blocked",
        "password_expired",
        "otp_invalid",
        "otp_expired",
        "otp_reached_max_attempts",
        "otp_timeout",
        "token_expired",
        "validation_failed",
    }
)


def _form(
    request: web.Request,
    visit: Visit,
    email: str,
    wrong: Trouble | None = None,
    *,
    grant: Grant = "password",
) -> web.Response:
    deps = request.app[DEPS]
    return show(
        request,
        visit,
        "sign_in.html" if grant == "password" else "update_password.html",
        trouble=wrong,
        email=email[:255],
        client_name=None if visit.client is None else visit.client.name,
        signature_sign_in=deps.settings.signature_sign_in,
        captcha=deps.captcha,
        scripts=deps.captcha.scripts if deps.captcha else (),
        frames=deps.captcha.frames if deps.captcha else (),
    )
