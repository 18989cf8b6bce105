"""GET and POST /oauth/nonce (spec §1.3 O4, docs §4.3)."""

from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey
from sqlalchemy import update

from shared.models.schema import mithril as tables
from tests.builders import World
from tests.fakes import SteppingClock
from tests.integration.mithril_api.asking import Answered, a_clinic, execute, required
from tests.integration.mithril_api.conftest import Api
from tests.integration.mithril_api.town import an_api, count

PATH = "/oauth/nonce"
NOBODY = "6498d88e-97fb-47e2-85a5-99e884f888aa"
both = pytest.mark.parametrize("method", ["GET", "POST"])


async def ask(api: Api, method: str, **given: str) -> Answered:
    if method == "GET":
        response = await api.public.get(PATH, params=given)
    else:
        response = await api.public.post(PATH, json=given)
    assert response.headers["Cache-Control"] == "no-store"
    return response.status, await response.json()


async def a_trusted(api: Api) -> World:
    world = await a_clinic(api.deps)
    types = tables.client_types
    mine = update(types).where(types.c.id == world.client_type_id)
    await execute(api, mine.values(name="TRUSTED_PIS"))
    return world


def claims_of(api: Api, body: dict[str, Any]) -> dict[str, Any]:
    key = OctKey.import_key(api.deps.settings.login_jwt_keys()[0])
    return dict(jwt.decode(body["data"]["token"], key, algorithms=["HS512"]).claims)


@both
async def test_a_client_gets_a_nonce_in_a_jwt(api: Api, method: str) -> None:
    world = await a_clinic(api.deps)

    status, body = await ask(api, method, client_id=str(world.client_id))

    claims = claims_of(api, body)
    issued = int(api.clock.now().timestamp())
    assert (status, list(body["data"])) == (200, ["token"])
    assert claims == {
        "iss": "EHealth",
        "aud": "mithril-login",
        "typ": "access",
        "nonce": claims["nonce"],
        "sub": claims["nonce"],
        "jti": claims["jti"],
        "iat": issued,
        "nbf": issued - 1,
        "exp": issued + 15 * 60,
    }


async def test_no_two_are_alike_and_none_is_kept_as_it_is(api: Api) -> None:
    world = await a_clinic(api.deps)

    bodies = [(await ask(api, "POST", client_id=str(world.client_id)))[1] for _ in range(3)]

    assert len({claims_of(api, body)["nonce"] for body in bodies}) == 3
    assert await count(api.deps, tables.nonces) == 3


async def test_the_secret_and_the_lifetime_are_those_of_the_settings(
    mithril_database: str, clock: SteppingClock
) -> None:
    secret = "a-secret-that-others-share-0123456789"
    but = {"jwt_secret": secret, "jwt_login_ttl": 3}
    async with an_api(mithril_database, clock, **but) as api:
        world = await a_clinic(api.deps)
        _, body = await ask(api, "POST", client_id=str(world.client_id))

    key = OctKey.import_key(secret.encode())
    claims = jwt.decode(body["data"]["token"], key, algorithms=["HS512"]).claims
    assert claims["exp"] - claims["iat"] == 180


@both
async def test_a_client_must_say_who_it_is(api: Api, method: str) -> None:
    status, body = await ask(api, method)
    wrong_status, wrong = await ask(api, method, client_id="7")

    assert (status, body["error"]["invalid"]) == (422, required("client_id"))
    assert (wrong_status, wrong["error"]["invalid"][0]["rules"][0]["rule"]) == (422, "cast")


@both
async def test_one_that_is_nobody_is_not_found(api: Api, method: str) -> None:
    status, body = await ask(api, method, client_id=NOBODY)

    assert (status, body["error"]) == (404, {"type": "not_found"})


@both
async def test_one_that_is_blocked_is_told_so(api: Api, method: str) -> None:
    world = await a_clinic(api.deps)
    await execute(api, update(tables.clients).values(is_blocked=True))

    status, body = await ask(api, method, client_id=str(world.client_id))

    blocked = {"type": "access_denied", "message": "Client is blocked"}
    assert (status, body["error"]) == (401, blocked)


class TestATrustedClient:
    """One of type TRUSTED_PIS proves itself first."""

    async def test_it_gets_a_nonce_for_its_own_audience(self, api: Api) -> None:
        world = await a_trusted(api)

        status, body = await ask(
            api,
            "POST",
            client_id=str(world.client_id),
            client_secret=world.client_secret,
        )

        assert (status, claims_of(api, body)["aud"]) == (200, "trusted-client")

    async def test_without_its_secret_it_is_told_what_is_missing(self, api: Api) -> None:
        world = await a_trusted(api)

        status, body = await ask(api, "POST", client_id=str(world.client_id))

        rule = body["error"]["invalid"][0]["rules"][0]
        text = "required property client_secret was not present"
        assert (status, rule["description"]) == (422, text)

    async def test_with_a_wrong_one_it_is_refused(self, api: Api) -> None:
        world = await a_trusted(api)

        status, body = await ask(
            api, "POST", client_id=str(world.client_id), client_secret="guess"
        )

        text = "Invalid client id or secret."
        assert (status, body["error"]["message"]) == (401, text)
        assert await count(api.deps, tables.nonces) == 0

    async def test_a_secret_in_an_address_is_not_looked_at(self, api: Api) -> None:
        world = await a_trusted(api)

        status, _ = await ask(
            api,
            "GET",
            client_id=str(world.client_id),
            client_secret=world.client_secret,
        )

        assert status == 422
