"""/sign-in/passkey: a sign-in finished by a passkey, where the address lets passkeys work."""

import orjson
from aiohttp import web

from services.auth_web.domain.flows import Flow
from services.auth_web.domain.passkeys import credential_of, works_at
from services.auth_web.domain.refusal_words import Trouble, trouble
from services.auth_web.handlers.browsers import (
    Pending,
    address_of,
    pending_of,
    texts_of,
)
from services.auth_web.handlers.codes import finish
from services.auth_web.handlers.keys import DEPS
from services.auth_web.handlers.progress import nothing_pending, start_of
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
from shared.peers.sign_in_answers import Refusal, SignInUnavailableError
from shared.runtime.pages import SESSION, StaleFormError, read_form


async def get_passkey(request: web.Request) -> web.StreamResponse:
    """The page that asks the browser for a passkey."""
    flow = flow_or_own(request)
    pending = pending_of(request)
    if pending is None:
        return go("/sign-in", flow)
    try:
        options = await request.app[DEPS].api.webauthn_options(
            pending.token, address=address_of(request)
        )
    except SignInUnavailableError:
        raise away() from None
    if isinstance(options, Refusal):
        if ends_session(options):
            return sign_in_again(request, flow)
        wrong = in_words(request, options)
        return show_passkey(request, flow, pending, options={}, wrong=wrong)
    return show_passkey(request, flow, pending, options=dict(options))


async def post_passkey(request: web.Request) -> web.StreamResponse:
    """Finish a sign-in by what the authenticator signed."""
    flow = flow_or_own(request)
    try:
        form = await read_form(request)
    except StaleFormError:
        request[SESSION].flash("refused.stale_form", kind="trouble")
        return go("/sign-in/passkey", flow)
    pending = pending_of(request)
    if pending is None:
        return nothing_pending(request, flow)
    credential = credential_of(form.get("webauthn", ""))
    if credential is None:
        request[SESSION].flash("refused.passkey", kind="trouble")
        return go("/sign-in/passkey", flow)
    token = {"grant_type": "authorize_2fa_access_token", "webauthn": credential}
    return await finish(request, flow, pending, token)


def show_passkey(
    request: web.Request,
    flow: Flow,
    pending: Pending,
    *,
    options: dict[str, object],
    creates: bool = False,
    wrong: Trouble | None = None,
) -> web.Response:
    """The page; on a host that is not within the relying party id it says where to go."""
    settings = request.app[DEPS].settings
    rp = options.get("rp") if creates else {"id": options.get("rpId")}
    rp_id = rp.get("id") if isinstance(rp, dict) else None
    elsewhere = None
    if isinstance(rp_id, str) and not works_at(request.host, rp_id):
        elsewhere = settings.url.rstrip("/") + f"{start_of(pending.grant)}?{flow.query()}"
    if wrong is None and not options:
        wrong = trouble("passkey", texts_of(request))
    return show(
        request,
        Visit(flow=flow),
        "passkey.html",
        trouble=wrong,
        options=orjson.dumps(options).decode(),
        creates=creates,
        action="/sign-in/set-up/confirm" if creates else "/sign-in/passkey",
        elsewhere=elsewhere,
        elsewhere_shown=settings.url,
        others=not creates and len(pending.factors) > 1,
        start=start_of(pending.grant),
    )
