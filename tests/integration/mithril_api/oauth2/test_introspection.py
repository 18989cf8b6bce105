"""POST /oauth2/introspect and /oauth2/revoke (RFC 7662, RFC 7009)."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from shared.models.schema import mithril as tables
from tests.integration.mithril_api.asking import bearer, events_of, verify
from tests.integration.mithril_api.conftest import SERVICE_TOKEN, Api
from tests.integration.mithril_api.oauth2.oauth import (
    SECRETLESS,
    a_client,
    basic,
    bought,
    by_id,
    by_post,
    client_credentials,
    post,
    refresh,
    set_settings,
    token,
)

INTROSPECT, REVOKE = "/oauth2/introspect", "/oauth2/revoke"
PLATFORM = bearer(SERVICE_TOKEN)


async def test_a_client_is_told_of_its_access_token(api: Api) -> None:
    world = await a_client(api)
    value = (await bought(api, world))["access_token"]

    answer = await post(api, INTROSPECT, {"token": value}, basic(world))

    now = int(api.clock.now().timestamp())
    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.body == {
        "active": True,
        "iss": answer.body["iss"],
        "sub": str(world.user_id),
        "client_id": str(world.client_id),
        "scope": "episode:read episode:write",
        "exp": now + 3600,
        "iat": now,
        "jti": answer.body["jti"],
        "token_type": "Bearer",
    }


@pytest.mark.parametrize("hint", ["refresh_token", "access_token", "nonsense", ...])
async def test_a_refresh_token_is_found_whatever_the_hint(api: Api, hint: str) -> None:
    world = await a_client(api)
    value = (await bought(api, world))["refresh_token"]
    form = {"token": value, "token_type_hint": hint, **by_post(world)}

    live = await post(api, INTROSPECT, form)
    await refresh(api, world, value)
    spent = await post(api, INTROSPECT, form)

    assert live.body["active"] is True
    assert "token_type" not in live.body
    assert spent.body == {"active": False}


async def test_a_token_of_a_client_for_itself_has_the_client_as_subject(api: Api) -> None:
    world = await a_client(api)
    made = await token(api, client_credentials(scope="episode:read", **by_post(world)))

    answer = await post(api, INTROSPECT, {"token": made.body["access_token"]}, basic(world))

    assert answer.body["sub"] == str(world.client_id)


async def test_another_client_is_told_of_what_was_made_for_its_resource_alone(
    api: Api,
) -> None:
    audience = "https://records.test/api"
    world = await a_client(api, resource=[audience])
    server, stranger = await a_client(api, resource=[audience]), await a_client(api)
    made = await token(api, client_credentials(resource=audience, **by_post(world)))
    form = {"token": made.body["access_token"]}

    told = await post(api, INTROSPECT, form, basic(server))
    untold = await post(api, INTROSPECT, form, basic(stranger))

    assert (told.body["active"], told.body["aud"]) == (True, [audience])
    assert (untold.status, untold.body) == (200, {"active": False})


@pytest.mark.parametrize("listener", ["public", "internal"])
async def test_the_platform_is_told_of_any(api: Api, listener: str) -> None:
    world = await a_client(api)
    value = (await bought(api, world))["access_token"]
    asking = api.public if listener == "public" else api.internal

    response = await asking.post(INTROSPECT, data={"token": value}, headers=PLATFORM)

    assert (await response.json())["active"] is True


async def test_a_broker_is_not_needed_to_say_what_a_token_is(api: Api) -> None:
    world = await a_client(api)
    c = tables.clients
    value = (await bought(api, world))["access_token"]
    async with api.deps.db.begin() as conn:
        await conn.execute(update(c).values(priv_settings={"access_type": "BROKER"}))

    answer = await post(api, INTROSPECT, {"token": value}, basic(world))

    assert answer.body["active"] is True
    assert await verify(api, value) == 422


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(update(tables.users).values(is_blocked=True), id="a blocked user"),
        pytest.param(
            update(tables.tokens).values(revoked_at=tables.tokens.c.inserted_at),
            id="a revoked token",
        ),
    ],
)
async def test_what_works_no_longer_is_inactive(api: Api, change: object) -> None:
    world = await a_client(api)
    made = await bought(api, world)
    async with api.deps.db.begin() as conn:
        await conn.execute(change)  # type: ignore[call-overload]  # any statement

    for kind in ("access_token", "refresh_token"):
        answer = await post(api, INTROSPECT, {"token": made[kind]}, PLATFORM)
        assert answer.body == {"active": False}


@pytest.mark.parametrize("value", ["x", "mth" + "0" * 29, "eyJhbGciOiJub25lIn0.e30.", "є"])
async def test_what_is_no_token_is_inactive(api: Api, value: str) -> None:
    world = await a_client(api)

    answer = await post(api, INTROSPECT, {"token": value}, basic(world))

    assert (answer.status, answer.body) == (200, {"active": False})


async def test_a_public_client_proves_nothing_and_is_told_nothing(api: Api) -> None:
    world = await a_client(api, **SECRETLESS)

    answer = await post(api, INTROSPECT, {"token": "x", **by_id(world)})

    assert answer.refusal == (401, "invalid_client")


class TestRevocation:
    """RFC 7009."""

    async def test_a_refresh_token_takes_its_family_along_and_an_event_says_so(
        self, api: Api
    ) -> None:
        world = await a_client(api)
        made = await bought(api, world)
        form = {"token": made["refresh_token"], **by_post(world)}

        answers = [await post(api, REVOKE, form) for _ in range(2)]

        assert {answer.status for answer in answers} == {200}
        assert await verify(api, made["access_token"]) == 401
        assert (await refresh(api, world, made["refresh_token"])).status == 400
        told = [
            data
            for kind, data in await events_of(api)
            if kind == "mithril.token.revoked.v1"
        ]
        assert [(data["selector"], data["reason"]) for data in told] == [
            ("family", "revoked_by_client")
        ]

    async def test_an_access_token_goes_alone(self, api: Api) -> None:
        world = await a_client(api)
        made = await bought(api, world)

        await post(api, REVOKE, {"token": made["access_token"], **by_post(world)})

        assert await verify(api, made["access_token"]) == 401
        assert (await refresh(api, world, made["refresh_token"])).status == 200

    async def test_a_public_client_may_revoke_what_it_holds(self, api: Api) -> None:
        world = await a_client(api, **SECRETLESS)
        made = await bought(api, world, client_secret=...)

        answer = await post(api, REVOKE, {"token": made["refresh_token"], **by_id(world)})

        assert answer.status == 200
        assert await verify(api, made["access_token"]) == 401

    @pytest.mark.parametrize("value", ["x", "mth" + "0" * 29, "є"])
    async def test_what_is_unknown_is_as_good_as_revoked(
        self, api: Api, value: str
    ) -> None:
        world = await a_client(api)

        assert (await post(api, REVOKE, {"token": value, **by_post(world)})).status == 200

    async def test_another_clients_token_is_refused_and_lives_on(self, api: Api) -> None:
        world, other = await a_client(api), await a_client(api)
        value = (await bought(api, world))["access_token"]

        answer = await post(api, REVOKE, {"token": value, **by_post(other)})

        assert answer.refusal == (400, "invalid_grant")
        assert await verify(api, value) == 200


class TestQuotas:
    """Per client, configurable, never by address for those who prove who they are."""

    async def test_answers_say_what_is_left_and_when_to_come_again(self, api: Api) -> None:
        world = await a_client(api)
        await set_settings(
            api, world, allowed_grant_types=["client_credentials"], token_quota="2/60"
        )
        form = client_credentials(**by_post(world))

        answers = [await token(api, form) for _ in range(3)]
        api.clock.advance(timedelta(seconds=30))
        later = await token(api, form)

        assert [answer.status for answer in answers] == [200, 200, 429]
        assert answers[0].headers["RateLimit-Policy"] == '"client";q=2;w=60'
        assert answers[0].headers["RateLimit"] == '"client";r=1;t=30'
        assert answers[1].headers["RateLimit"] == '"client";r=0;t=60'
        assert answers[2].headers["Retry-After"] == "30"
        assert later.status == 200

    async def test_whoever_does_not_prove_to_be_the_client_uses_nothing_up(
        self, api: Api
    ) -> None:
        world = await a_client(api, token_quota="1/60")
        right = client_credentials(**by_post(world))
        wrong = {**right, "client_secret": "wrong"}

        refused = [await token(api, wrong) for _ in range(3)]

        assert {answer.status for answer in refused} == {401}
        assert (await token(api, right)).status == 200

    async def test_one_client_uses_up_nothing_of_another(self, api: Api) -> None:
        first = await a_client(api, token_quota="1/60")
        second = await a_client(api, token_quota="1/60")

        for world in (first, second):
            made = await token(api, client_credentials(**by_post(world)))
            assert made.status == 200

    async def test_of_many_at_once_exactly_as_many_pass_as_may(self, api: Api) -> None:
        import asyncio

        world = await a_client(api, token_quota="20/60")
        form = client_credentials(**by_post(world))

        answers = await asyncio.gather(*(token(api, form) for _ in range(50)))

        statuses = [answer.status for answer in answers]
        assert (statuses.count(200), statuses.count(429)) == (20, 30)

    async def test_introspection_has_a_quota_of_its_own(self, api: Api) -> None:
        world = await a_client(api, token_quota="1/60", introspection_quota="1/60")
        form = {"token": "x", **by_post(world)}

        answers = [await post(api, INTROSPECT, form) for _ in range(2)]

        assert [answer.status for answer in answers] == [200, 429]
        made = await token(api, client_credentials(**by_post(world)))
        assert made.status == 200

    @pytest.mark.parametrize("quota", ["", "many", "0/60", 5])
    async def test_a_quota_that_is_none_is_refused_when_it_is_set(
        self, api: Api, quota: object
    ) -> None:
        world = await a_client(api)
        body = {"client": {"settings": {"token_quota": quota}}}

        response = await api.internal.patch(f"/admin/clients/{world.client_id}", json=body)

        assert response.status == 422
