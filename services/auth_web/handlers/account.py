"""A user's own pages: approvals, factors, sign-out. Each needs a sign-in."""

from aiohttp import web

from services.auth_web.domain.flows import (
    Flow,
    OwnPage,
    ToClient,
    ToOwnPage,
)
from services.auth_web.domain.scope_words import Permission, in_words
from services.auth_web.handlers.browsers import (
    SignedIn,
    address_of,
    signed_in_of,
    texts_of,
)
from services.auth_web.handlers.keys import DEPS
from services.auth_web.handlers.setting_up import step_up
from services.auth_web.handlers.sign_in import counted
from services.auth_web.handlers.visits import (
    NONE_OF_OURS,
    Visit,
    away,
    ends_session,
    flow_or_own,
    go,
    refuse,
    show,
    sign_in_again,
)
from shared.peers.sign_in import SignInApi
from shared.peers.sign_in_answers import Refusal, SignInUnavailableError, UserFactor
from shared.runtime.pages import SESSION, PageError, read_form, see_other
from shared.wire.addresses import is_sound

_APPROVALS = ToOwnPage(page=OwnPage.APPROVALS)
_FACTORS = ToOwnPage(page=OwnPage.FACTORS)


async def get_account(request: web.Request) -> web.StreamResponse:
    """Where to begin."""
    signed_in = signed_in_of(request)
    email = None if signed_in is None else signed_in.email
    return show(request, Visit(flow=NONE_OF_OURS), "account.html", email=email)


async def get_approvals(request: web.Request) -> web.StreamResponse:
    """What the user allowed whom."""
    signed_in = signed_in_of(request)
    if signed_in is None:
        return go("/sign-in", _APPROVALS)
    asked = request.query.get("page", "1")
    number = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 7 else 1
    try:
        found = await _api(request).approvals(
            bearer=signed_in.token, page=max(1, number), address=address_of(request)
        )
    except SignInUnavailableError:
        raise away() from None
    if isinstance(found, Refusal):
        return _refused(request, _APPROVALS, found)
    language = texts_of(request).language

    def words(scope: tuple[str, ...]) -> list[Permission]:
        return in_words(scope, language)

    return show(
        request,
        Visit(flow=_APPROVALS),
        "approvals.html",
        approvals=found.items,
        page=found.number,
        pages=found.total_pages,
        words=words,
    )


async def get_revoke(request: web.Request) -> web.StreamResponse:
    """Ask before an approval is withdrawn."""
    signed_in = signed_in_of(request)
    if signed_in is None:
        return go("/sign-in", _APPROVALS)
    try:
        found = await _api(request).approval(
            request.match_info["id"], bearer=signed_in.token, address=address_of(request)
        )
    except SignInUnavailableError:
        raise away() from None
    if isinstance(found, Refusal):
        return _refused(request, _APPROVALS, found)
    return _confirm(request, "revoke", found.client_name, back="/approvals")


async def post_revoke(request: web.Request) -> web.StreamResponse:
    """Withdraw an approval."""
    await read_form(request)
    signed_in = signed_in_of(request)
    if signed_in is None:
        return sign_in_again(request, _APPROVALS)
    try:
        outcome = await _api(request).revoke_approval(
            request.match_info["id"], bearer=signed_in.token, address=address_of(request)
        )
    except SignInUnavailableError:
        raise away() from None
    counted(request, "revoke", outcome)
    if isinstance(outcome, Refusal):
        return _refused(request, _APPROVALS, outcome)
    request[SESSION].flash("approvals.revoked")
    return see_other("/approvals")


async def get_factors(request: web.Request) -> web.StreamResponse:
    """The user's second factors."""
    signed_in = signed_in_of(request)
    if signed_in is None:
        return go("/sign-in", _FACTORS)
    found = await _factors(request, signed_in)
    if isinstance(found, Refusal):
        return _refused(request, _FACTORS, found)
    return show(request, Visit(flow=_FACTORS), "factors.html", factors=found)


async def get_remove(request: web.Request) -> web.StreamResponse:
    """Ask before a factor is removed."""
    signed_in = signed_in_of(request)
    if signed_in is None:
        return go("/sign-in", _FACTORS)
    found = await _factors(request, signed_in)
    if isinstance(found, Refusal):
        return _refused(request, _FACTORS, found)
    factor = next((item for item in found if item.id == request.match_info["id"]), None)
    if factor is None:
        raise PageError(404)
    kind = texts_of(request)(f"choose.{factor.type}")
    what = f"{kind} {factor.factor or factor.name or ''}".strip()
    return _confirm(request, "remove", what, back="/factors")


async def post_remove(request: web.Request) -> web.StreamResponse:
    """Remove a factor; mithril-api wants a fresh sign-in for that."""
    await read_form(request)
    signed_in = signed_in_of(request)
    if signed_in is None:
        return sign_in_again(request, _FACTORS)
    try:
        outcome = await _api(request).delete_factor(
            request.match_info["id"], bearer=signed_in.token, address=address_of(request)
        )
    except SignInUnavailableError:
        raise away() from None
    counted(request, "remove_factor", outcome)
    if isinstance(outcome, Refusal):
        if outcome.status == 403:
            return step_up(request)
        return _refused(request, _FACTORS, outcome)
    request[SESSION].flash("factors.removed")
    return see_other("/factors")


async def get_sign_out(request: web.Request) -> web.StreamResponse:
    """Ask before signing out: a link alone must not do it."""
    signed_in = signed_in_of(request)
    if signed_in is None:
        return await _after_sign_out(request) or see_other("/")
    uri = _wish(request).get("post_logout_redirect_uri")
    return _confirm(
        request,
        "sign_out",
        signed_in.email,
        back="/",
        leads_to=ToClient(client_id="", redirect_uri=uri).sources() if uri else None,
    )


async def post_sign_out(request: web.Request) -> web.StreamResponse:
    """End the session here and at mithril-api. What that cannot end yet is not called ended."""
    await read_form(request)
    flow = NONE_OF_OURS if _wish(request) else flow_or_own(request)
    signed_in = signed_in_of(request)
    if signed_in is not None:
        try:
            outcome = await _api(request).logout(
                signed_in.token, address=address_of(request)
            )
        except SignInUnavailableError:
            raise away() from None
        counted(request, "sign_out", outcome)
    request.app[DEPS].sessions.renew(request[SESSION])
    if (led := await _after_sign_out(request)) is not None:
        return led
    request[SESSION].flash("account.signed_out")
    return see_other("/") if flow == NONE_OF_OURS else go("/sign-in", flow)


def _wish(request: web.Request) -> dict[str, str]:
    """Where a client wants its user sent after that; empty: nowhere."""
    if not is_sound(request.query.get("post_logout_redirect_uri", "")):
        return {}
    names = ("client_id", "post_logout_redirect_uri", "state")
    return {name: request.query[name] for name in names if request.query.get(name)}


async def _after_sign_out(request: web.Request) -> web.Response | None:
    """To where the client wants, if that is registered for it; none: nowhere."""
    wish = _wish(request)
    if not wish:
        return None
    try:
        location = await _api(request).after_sign_out(wish)
    except SignInUnavailableError:
        raise away() from None
    return None if isinstance(location, Refusal) else see_other(location)


async def _factors(
    request: web.Request, signed_in: SignedIn
) -> tuple[UserFactor, ...] | Refusal:
    try:
        return await _api(request).factors(signed_in.token, address=address_of(request))
    except SignInUnavailableError:
        raise away() from None


def _api(request: web.Request) -> SignInApi:
    return request.app[DEPS].api


def _refused(request: web.Request, flow: Flow, refusal: Refusal) -> web.StreamResponse:
    if ends_session(refusal):
        return sign_in_again(request, flow)
    refuse(request, refusal)


def _confirm(
    request: web.Request,
    name: str,
    what: str,
    *,
    back: str,
    leads_to: tuple[str, ...] | None = None,
) -> web.Response:
    return show(
        request,
        Visit(flow=NONE_OF_OURS),
        "confirm.html",
        name=name,
        what=what,
        action=request.rel_url.raw_path_qs,
        back=back,
        leads_to=leads_to,
    )
