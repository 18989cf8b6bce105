"""/sign-in/digital-signature: sign what is shown, paste or upload it; only where enabled."""

import base64
import re

import orjson
from aiohttp import web

from services.auth_web.domain.refusal_words import Trouble, trouble
from services.auth_web.handlers.browsers import address_of, texts_of
from services.auth_web.handlers.keys import DEPS
from services.auth_web.handlers.progress import advance
from services.auth_web.handlers.sign_in import counted
from services.auth_web.handlers.visits import (
    Visit,
    away,
    flow_of,
    in_words,
    refuse,
    show,
    verified,
)
from shared.peers.sign_in_answers import Refusal, SignInUnavailableError
from shared.runtime.pages import PageError, StaleFormError, read_form

_BASE64 = re.compile(r"^[A-Za-z0-9+/]+={0,2}\Z")
_ARMOUR = re.compile(r"-----[A-Z0-9 ]+-----|\s")


async def get_signature(request: web.Request) -> web.StreamResponse:
    """The data to sign, and the form for what was signed."""
    return await _form(request, await _visit(request))


async def post_signature(request: web.Request) -> web.StreamResponse:
    """Sign in by a signature. What is signed is good once, so a failure shows a new one."""
    visit = await _visit(request)
    t = texts_of(request)
    try:
        form = await read_form(request)
    except StaleFormError:
        return await _form(request, visit, trouble("stale_form", t, status=403))
    content = _content_of(form.get("file") or form.get("signed_content", ""))
    if content is None:
        wrong = trouble("fields", t)
        said = t("signature.missing")
        wrong = Trouble(text=wrong.text, status=422, fields={"signed_content": said})
        return await _form(request, visit, wrong)
    deps = request.app[DEPS]
    token = {
        "grant_type": "digital_signature",
        "signed_content": content,
        "signed_content_encoding": "base64",
        "client_id": deps.settings.client_id,
        "scope": "app:authorize",
    }
    try:
        outcome = await deps.api.login(token, address=address_of(request))
    except SignInUnavailableError:
        raise away() from None
    counted(request, "digital_signature", outcome)
    if isinstance(outcome, Refusal):
        return await _form(request, visit, in_words(request, outcome))
    email = t("signature.signer")
    return advance(request, visit.flow, outcome, email=email, grant="password")


async def _visit(request: web.Request) -> Visit:
    if not request.app[DEPS].settings.signature_sign_in:
        raise PageError(404)
    return await verified(request, flow_of(request))


async def _form(
    request: web.Request, visit: Visit, wrong: Trouble | None = None
) -> web.Response:
    deps = request.app[DEPS]
    try:
        nonce = await deps.api.nonce(deps.settings.client_id, address=address_of(request))
    except SignInUnavailableError:
        raise away() from None
    if isinstance(nonce, Refusal):
        refuse(request, nonce)
    content = orjson.dumps({"jwt": nonce}).decode()
    return show(request, visit, "signature.html", trouble=wrong, content=content)


def _content_of(typed: str) -> str | None:
    """Base64 without armour and line breaks; none where it is no base64."""
    content = _ARMOUR.sub("", typed)
    if not content or _BASE64.match(content) is None:
        return None
    try:
        base64.b64decode(content, validate=True)
    except ValueError:
        return None
    return content
