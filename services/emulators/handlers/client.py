"""The sample client: /client starts a sign-in, /client/callback ends it."""

import aiohttp
from aiohttp import web

from services.emulators.domain.sample_client import SampleClient
from services.emulators.handlers.keys import DEPS
from services.emulators.handlers.pages import page
from shared.runtime.bodies import read_object
from shared.wire.casting import Body, Id, LongText, ScopeText, Text, cast
from shared.wire.envelope import Answer

_COOKIE = "sample-client-state"
_SECONDS = 10
_ANSWER_LIMIT = 262_144


class _Client(Body):
    client_id: Id
    client_secret: Text
    redirect_uri: LongText
    scope: ScopeText
    sign_in_url: LongText
    token_url: LongText


async def put_client(request: web.Request) -> Answer:
    """Say who the sample client is (internal listener): its secret is told to nobody."""
    asked = cast(_Client, await read_object(request))
    values = asked.model_dump() | {"client_id": str(asked.client_id)}
    request.app[DEPS].client = SampleClient(**values)
    return Answer(data={"client_id": values["client_id"]})


async def get_client(request: web.Request) -> web.Response:
    """A page with a link that starts the sign-in."""
    deps = request.app[DEPS]
    if deps.client is None:
        return _unknown()
    state, verifier = deps.word(), deps.word() + deps.word()
    deps.sign_ins.begin(state=state, verifier=verifier)
    answer = page(
        "client.html",
        client=deps.client,
        sign_in=deps.client.sign_in_at(state=state, verifier=verifier),
    )
    answer.set_cookie(_COOKIE, state, httponly=True, samesite="Lax", path="/client")
    return answer


async def get_callback(request: web.Request) -> web.Response:
    """What came back: a code, with a button that exchanges it, or an error."""
    deps = request.app[DEPS]
    if deps.client is None:
        return _unknown()
    query = request.query
    state = query.get("state", "")
    ours = request.cookies.get(_COOKIE) == state and deps.sign_ins.knows(state)
    return page(
        "callback.html",
        code=query.get("code"),
        state=state,
        ours=ours,
        error=query.get("error"),
        error_description=query.get("error_description"),
    )


async def post_exchange(request: web.Request) -> web.Response:
    """Exchange the code, as a back end does, and show what came of it."""
    deps = request.app[DEPS]
    if deps.client is None:
        return _unknown()
    form = await request.post()
    verifier = deps.sign_ins.end(str(form.get("state", "")))
    token = {
        "grant_type": "authorization_code",
        "client_id": deps.client.client_id,
        "client_secret": deps.client.client_secret,
        "code": str(form.get("code", "")),
        "redirect_uri": deps.client.redirect_uri,
    }
    if verifier is not None:
        token["code_verifier"] = verifier
    try:
        timeout = aiohttp.ClientTimeout(total=_SECONDS)
        async with deps.session().post(
            deps.client.token_url, json={"token": token}, timeout=timeout
        ) as answer:
            status = answer.status
            text = (await answer.content.read(_ANSWER_LIMIT)).decode(errors="replace")
    except (aiohttp.ClientError, TimeoutError) as error:
        return page("exchanged.html", status=502, answered=type(error).__name__, text="")
    return page("exchanged.html", answered=str(status), text=text)


def _unknown() -> web.Response:
    return page("unknown_client.html", status=503)
