"""A client of the standards, and its user, for the tests of /oauth2."""

import base64
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlsplit

from sqlalchemy import update

from shared.models.schema import mithril as tables
from shared.models.tokens import TokenName
from tests.builders import World, a_token, store
from tests.integration.mithril_api.asking import a_clinic, bearer
from tests.integration.mithril_api.conftest import Api

# The example of RFC 7636, appendix B.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
PKCE = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
SECRETLESS = {"token_endpoint_auth_method": "none"}


@dataclass(frozen=True)
class Answered:
    """What came back."""

    status: int
    body: dict[str, Any]
    headers: Any

    @property
    def refusal(self) -> tuple[int, str]:
        return self.status, self.body["error"]


async def a_client(api: Api, **settings: Any) -> World:
    """A client with these settings, and a doctor who allowed it everything."""
    return await a_clinic(
        api.deps,
        client_settings={
            "allowed_grant_types": ["password", "client_credentials"],
            **settings,
        },
    )


async def set_settings(api: Api, world: World, **settings: Any) -> None:
    """Change what a client is registered with."""
    c = tables.clients
    statement = update(c).where(c.c.id == world.client_id).values(settings=settings)
    async with api.deps.db.begin() as conn:
        await conn.execute(statement)


async def narrow_approval(api: Api, world: World, *scope: str) -> None:
    """The doctor has allowed the client no more than this."""
    a = tables.apps
    mine = (a.c.user_id == world.user_id, a.c.client_id == world.client_id)
    async with api.deps.db.begin() as conn:
        await conn.execute(update(a).where(*mine).values(scope=list(scope)))


def basic(world: World) -> dict[str, str]:
    """The header of client_secret_basic."""
    pair = f"{quote_plus(str(world.client_id))}:{quote_plus(world.client_secret)}"
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


def by_post(world: World) -> dict[str, str]:
    """The parameters of client_secret_post."""
    return {"client_id": str(world.client_id), "client_secret": world.client_secret}


def by_id(world: World) -> dict[str, str]:
    """All that a public client says of itself."""
    return {"client_id": str(world.client_id)}


async def post(
    api: Api, path: str, form: Any, headers: dict[str, str] | None = None
) -> Answered:
    """Ask an endpoint with a form; `...` leaves a parameter out."""
    data = form
    if isinstance(form, dict):
        data = {name: value for name, value in form.items() if value is not ...}
    response = await api.public.post(path, data=data, headers=headers)
    is_json = response.content_type == "application/json"
    body = await response.json() if is_json else {}
    return Answered(response.status, body, response.headers)


async def token(
    api: Api, form: dict[str, Any], headers: dict[str, str] | None = None
) -> Answered:
    """Ask POST /oauth2/token."""
    return await post(api, "/oauth2/token", form, headers)


async def refresh(api: Api, world: World, value: str, **but: Any) -> Answered:
    """Refresh, with client_secret_post unless `but` says otherwise."""
    form = {"grant_type": "refresh_token", "refresh_token": value, **by_post(world), **but}
    return await token(api, form)


async def exchange(api: Api, world: World, code: str, **but: Any) -> Answered:
    """Exchange a code, with client_secret_post unless `but` says otherwise."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": world.redirect_uri,
        "code_verifier": VERIFIER,
        **by_post(world),
        **but,
    }
    return await token(api, form)


def asked(world: World, **but: Any) -> dict[str, str]:
    """The parameters of an authorization request."""
    given: dict[str, Any] = {
        "response_type": "code",
        "client_id": str(world.client_id),
        "redirect_uri": world.redirect_uri,
        "scope": "episode:read episode:write",
        "state": "a state/+&",
        **PKCE,
        **but,
    }
    return {name: value for name, value in given.items() if value is not ...}


async def authorize(api: Api, query: Any) -> tuple[int, str, str]:
    """Send a browser to /oauth2/authorize: status, where it is sent, the page it sees."""
    response = await api.public.get(
        "/oauth2/authorize", params=query, allow_redirects=False
    )
    return response.status, response.headers.get("Location", ""), await response.text()


def query_of(location: str) -> dict[str, str]:
    """The parameters of an address."""
    return dict(parse_qsl(urlsplit(location).query))


async def begun(api: Api, world: World, **but: Any) -> str:
    """A request that waits for its user: its request_uri."""
    status, location, _ = await authorize(api, asked(world, **but))
    assert status == 303, location
    return query_of(location)["request_uri"]


async def a_session(api: Api, world: World, *, age: int = 0) -> str:
    """The session of the doctor at the sign-in pages, who signed in `age` seconds ago."""
    now = int(api.clock.now().timestamp())
    minted = a_token(
        api.deps,
        TokenName.ACCESS,
        world.user_id,
        world.client_id,
        scope=("app:authorize",),
        lives=timedelta(hours=1),
        grant_type="password",
        details={"amr": ["pwd"], "auth_time": now - age},
    )
    await store(api.deps, minted)
    return minted.value


async def show(api: Api, world: World, request_uri: str, session: str) -> Answered:
    """Ask what a consent page has to ask."""
    query = {"client_id": str(world.client_id), "request_uri": request_uri}
    response = await api.public.get(
        "/oauth/apps/authorize", params=query, headers=bearer(session)
    )
    return Answered(response.status, await response.json(), response.headers)


async def allow(api: Api, world: World, request_uri: str, session: str) -> Answered:
    """The doctor allows what a request asks for."""
    app = {"client_id": str(world.client_id), "request_uri": request_uri}
    response = await api.public.post(
        "/oauth/apps/authorize", json={"app": app}, headers=bearer(session)
    )
    return Answered(response.status, await response.json(), response.headers)


async def a_code(api: Api, world: World, **but: Any) -> str:
    """A code as the whole way through /oauth2/authorize gives one."""
    request_uri = await begun(api, world, **but)
    answer = await allow(api, world, request_uri, await a_session(api, world))
    assert answer.status == 201, answer.body
    return query_of(answer.headers["Location"])["code"]


async def bought(api: Api, world: World, **but: Any) -> dict[str, Any]:
    """Tokens as the code flow gives them."""
    answer = await exchange(api, world, await a_code(api, world), **but)
    assert answer.status == 200, answer.body
    return answer.body


def client_credentials(**but: Any) -> dict[str, Any]:
    """A request of a client for itself."""
    return {"grant_type": "client_credentials", **but}
