"""Read-only: what reads is answered, every change is refused, nothing runs in the background."""

import base64
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from aiohttp import web
from sqlalchemy import text

from services.mithril_api import app as composition
from shared.models.tokens import TokenName
from shared.runtime.postgres import DatabaseUnavailableError
from tests.builders import World, a_token, a_world, store
from tests.integration.mithril_api.conftest import Api, settings_for
from tests.integration.mithril_api.oauth2.oauth import post
from tests.integration.mithril_api.oauth2.proving import (
    a_client_by_key,
    assertion,
    by_assertion,
    proof,
    thumbprint,
)
from tests.integration.mithril_api.town import an_api

READS = {
    "POST /admin/tokens/verify",
    "POST /oauth2/introspect",
    "POST /oauth2/userinfo",
}
WRITING_GETS = {
    "GET /oauth/nonce",
    "GET /oauth2/authorize",
    "GET /oauth2/logout",
    "GET /oauth/user/factors",
}
EVERYWHERE = ("app:authorize", "app:read_pis", "app:delete_pis")


@pytest.fixture
async def quiet(api: Api) -> AsyncIterator[Api]:
    """Give the service on the same database as `api`, read-only."""
    url = api.deps.settings.database_url.get_secret_value()
    async with an_api(url, api.clock, read_only=True) as made:
        yield made


def routes_of(app: web.Application) -> Iterator[tuple[str, str]]:
    """Every method and path, with an id or a word for each of its parts."""
    for resource in app.router.resources():
        for route in resource:
            yield route.method, resource.canonical


def path_of(canonical: str) -> str:
    """A path of this shape; no row has such an id."""
    parts = canonical.split("/")
    nobody = "00000000-0000-4000-8000-000000000000"
    return "/".join(nobody if part.startswith("{") else part for part in parts)


def does_change(method: str, canonical: str) -> bool:
    """Whether the route is one to be refused."""
    route = f"{'GET' if method == 'HEAD' else method} {canonical}"
    if method in {"GET", "HEAD", "OPTIONS"}:
        return route in WRITING_GETS
    return route not in READS


async def test_every_route_is_refused_if_it_changes_something_and_else_answered(
    api: Api, quiet: Api
) -> None:
    world = await a_world(api.deps)
    bearer = await an_access_token(api, world)
    own = {"Authorization": f"Bearer {bearer}"}
    seen = 0
    for client, app, headers in (
        (quiet.public, quiet.built.public, own),
        (quiet.internal, quiet.built.internal, {}),
    ):
        for method, canonical in routes_of(app):
            answer = await client.request(
                method, path_of(canonical), headers=headers, allow_redirects=False
            )
            where = f"{method} {canonical}"
            assert (answer.status == 503) is does_change(method, canonical), where
            if answer.status == 503:
                assert answer.headers["Retry-After"] == "30", where
                assert method == "HEAD" or "read-only" in await answer.text(), where
            seen += 1
    assert seen > 100


async def an_access_token(api: Api, world: World) -> str:
    token = a_token(
        api.deps, TokenName.ACCESS, world.user_id, world.client_id, scope=EVERYWHERE
    )
    await store(api.deps, token)
    return token.value


async def test_tokens_are_verified_introspected_and_told_whose_they_are(
    api: Api, quiet: Api
) -> None:
    world = await a_world(api.deps)
    value = await an_access_token(api, world)

    verified = await quiet.internal.get(f"/admin/tokens/{value}/verify")
    owner = await quiet.internal.get(f"/admin/tokens/{value}/user")
    many = await quiet.internal.post("/admin/tokens/verify", json={"tokens": []})
    by_platform = await quiet.internal.post("/oauth2/introspect", data={"token": value})
    pair = f"{world.client_id}:{world.client_secret}"
    basic = {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
    by_client = await quiet.public.post(
        "/oauth2/introspect", data={"token": value}, headers=basic
    )
    ready = await quiet.internal.get("/readyz")

    assert [verified.status, owner.status, ready.status] == [200, 200, 200]
    assert many.status != 503
    for answer in (by_platform, by_client):
        assert answer.status == 200
        assert (await answer.json())["active"] is True


async def test_a_refusal_is_that_of_the_contract_or_that_of_the_standard(
    api: Api, quiet: Api
) -> None:
    world = await a_world(api.deps)

    contract = await quiet.public.post("/oauth/tokens", json=world.refresh_body())
    standard = await quiet.public.post("/oauth2/token", data={"grant_type": "x"})

    assert (contract.status, standard.status) == (503, 503)
    error: dict[str, Any] = (await contract.json())["error"]
    assert error["type"] == "read_only"
    assert "read-only" in error["message"]
    assert (await standard.json())["error"] == "temporarily_unavailable"
    unknown = await quiet.public.post("/no/such/place")
    assert unknown.status == 404


async def test_the_database_refuses_what_slipped_through(quiet: Api) -> None:
    with pytest.raises(DatabaseUnavailableError, match="read-only"):
        async with quiet.deps.db.begin() as conn:
            await conn.execute(text("DELETE FROM tokens"))


async def test_nothing_runs_in_the_background(mithril_database: str) -> None:
    busy = await composition.process(settings_for(mithril_database))
    quiet = await composition.process(settings_for(mithril_database, read_only=True))

    assert "outbox relay" in busy.background
    assert quiet.background == {}
    await busy.close()
    await quiet.close()


async def test_what_serves_once_is_refused_since_nothing_can_be_noted(
    api: Api, quiet: Api
) -> None:
    world = await a_client_by_key(api)
    form = {"token": "x", **by_assertion(assertion(quiet, world))}
    bound = a_token(
        api.deps,
        TokenName.ACCESS,
        world.user_id,
        world.client_id,
        scope=("user:read",),
        details={"cnf": {"jkt": thumbprint()}},
    )
    await store(api.deps, bound)
    made = proof(quiet, "/oauth/user", htm="GET", token=bound.value)

    by_client = await post(quiet, "/oauth2/introspect", form)
    shown = await quiet.public.get(
        "/oauth/user", headers={"Authorization": f"DPoP {bound.value}", "DPoP": made}
    )

    assert by_client.refusal == (503, "temporarily_unavailable")
    assert shown.status == 503
