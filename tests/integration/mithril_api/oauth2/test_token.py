"""POST /oauth2/token: the three grants, as RFC 6749 has them."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from shared.models.schema import mithril as tables
from tests.integration.mithril_api.asking import bearer, events_of, verify
from tests.integration.mithril_api.conftest import Api
from tests.integration.mithril_api.oauth2.oauth import (
    CHALLENGE,
    SECRETLESS,
    a_client,
    a_code,
    basic,
    bought,
    by_id,
    by_post,
    client_credentials,
    exchange,
    refresh,
    set_settings,
    token,
)


class TestCode:
    """grant_type=authorization_code."""

    async def test_it_buys_what_the_standard_says(self, api: Api) -> None:
        world = await a_client(api)

        answer = await exchange(api, world, await a_code(api, world))

        body = answer.body
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Content-Type"] == "application/json"
        assert body == {
            "access_token": body["access_token"],
            "token_type": "Bearer",
            "expires_in": 3600,
            "scope": "episode:read episode:write",
            "refresh_token": body["refresh_token"],
        }
        assert await verify(api, body["access_token"]) == 200

    async def test_a_public_client_needs_its_verifier_and_no_secret(self, api: Api) -> None:
        world = await a_client(api, **SECRETLESS)
        code = await a_code(api, world)
        secretless = {**by_id(world), "client_secret": ...}

        without = await exchange(api, world, code, **secretless, code_verifier=...)
        wrong = await exchange(api, world, code, **secretless, code_verifier="a" * 43)
        right = await exchange(api, world, code, **secretless)

        assert without.refusal == wrong.refusal == (400, "invalid_grant")
        assert right.status == 200

    async def test_a_code_that_was_begun_without_proof_buys_a_public_client_nothing(
        self, api: Api
    ) -> None:
        world = await a_client(api)
        code = await a_code(api, world, code_challenge=..., code_challenge_method=...)
        await set_settings(api, world, **SECRETLESS)

        answer = await exchange(api, world, code, client_secret=..., code_verifier=...)

        assert answer.refusal == (400, "invalid_grant")

    async def test_a_verifier_for_a_code_without_challenge_is_a_downgrade(
        self, api: Api
    ) -> None:
        world = await a_client(api)
        code = await a_code(api, world, code_challenge=..., code_challenge_method=...)

        assert (await exchange(api, world, code)).refusal == (400, "invalid_grant")
        assert (await exchange(api, world, code, code_verifier=...)).status == 200

    async def test_a_code_injected_into_another_client_is_refused(self, api: Api) -> None:
        code = await a_code(api, await a_client(api))
        other = await a_client(api)

        assert (await exchange(api, other, code)).refusal == (400, "invalid_grant")

    async def test_a_code_injected_into_another_session_of_its_client_is_refused(
        self, api: Api
    ) -> None:
        world = await a_client(api)
        stolen = await a_code(api, world)

        answer = await exchange(api, world, stolen, code_verifier="another-" + "v" * 43)

        assert answer.refusal == (400, "invalid_grant")

    async def test_a_code_buys_once_and_its_late_return_revokes_what_it_bought(
        self, api: Api
    ) -> None:
        world = await a_client(api)
        code = await a_code(api, world)
        first = await exchange(api, world, code)
        api.clock.advance(timedelta(seconds=11))

        again = await exchange(api, world, code)

        assert again.refusal == (400, "invalid_grant")
        assert await verify(api, first.body["access_token"]) == 401
        assert (await refresh(api, world, first.body["refresh_token"])).refusal == (
            400,
            "invalid_grant",
        )

    @pytest.mark.parametrize(
        "uri",
        [
            "https://clinic.test/callback/",
            "https://clinic.test/callback?",
            "https://clinic.test/Callback",
            "https://CLINIC.test/callback",
            "https://clinic.test:443/callback",
            "https://clinic.test/x/../callback",
            "https://clinic.test/callback#",
            "https://clinic.test@evil.test/callback",
            "https://clinic.test.evil.test/callback",
            "https://clinic.tеst/callback",
        ],
    )
    async def test_a_redirect_uri_is_compared_to_the_letter(
        self, api: Api, uri: str
    ) -> None:
        world = await a_client(api)
        code = await a_code(api, world)

        assert (await exchange(api, world, code, redirect_uri=uri)).refusal == (
            400,
            "invalid_grant",
        )
        assert (await exchange(api, world, code)).status == 200

    async def test_nothing_of_the_request_is_shown_with_the_code(self, api: Api) -> None:
        world = await a_client(api)
        tokens = await bought(api, world)

        response = await api.internal.get(f"/admin/tokens/{tokens['access_token']}/verify")

        shown = str(await response.json())
        assert CHALLENGE not in shown


class TestRefresh:
    """grant_type=refresh_token: every use rotates, unless the client chose otherwise."""

    async def test_it_gives_one_successor_and_the_same_one_within_the_grace(
        self, api: Api
    ) -> None:
        world = await a_client(api)
        old = (await bought(api, world))["refresh_token"]

        first = await refresh(api, world, old)
        again = await refresh(api, world, old)

        assert first.status == again.status == 200
        assert first.body["refresh_token"] == again.body["refresh_token"] != old
        assert first.body["access_token"] != again.body["access_token"]

    async def test_two_hundred_at_once_with_one_token_log_nobody_out(
        self, api: Api
    ) -> None:
        world = await a_client(api, token_quota="off")
        old = (await bought(api, world))["refresh_token"]

        answers = await asyncio.gather(*(refresh(api, world, old) for _ in range(200)))

        assert {answer.status for answer in answers} == {200}
        (successor,) = {answer.body["refresh_token"] for answer in answers}
        assert (await refresh(api, world, successor)).status == 200

    async def test_a_replay_after_the_grace_ends_the_family_and_an_event_says_so(
        self, api: Api
    ) -> None:
        world = await a_client(api)
        old = (await bought(api, world))["refresh_token"]
        new = (await refresh(api, world, old)).body
        api.clock.advance(timedelta(seconds=31))

        replay = await refresh(api, world, old)

        assert replay.refusal == (400, "invalid_grant")
        assert (await refresh(api, world, new["refresh_token"])).status == 400
        assert await verify(api, new["access_token"]) == 401
        kinds = [kind for kind, _ in await events_of(api)]
        assert kinds.count("mithril.token.reuse-detected.v1") == 1

    async def test_a_client_that_reuses_is_answered_without_a_refresh_token(
        self, api: Api
    ) -> None:
        world = await a_client(api, refresh_token_policy="reuse")
        old = (await bought(api, world))["refresh_token"]

        answers = [await refresh(api, world, old) for _ in range(2)]
        api.clock.advance(timedelta(minutes=5))
        answers.append(await refresh(api, world, old))

        assert {answer.status for answer in answers} == {200}
        assert not any("refresh_token" in answer.body for answer in answers)

    async def test_a_public_client_rotates_whatever_it_chose(self, api: Api) -> None:
        world = await a_client(api, refresh_token_policy="reuse", **SECRETLESS)
        old = (await bought(api, world, client_secret=...))["refresh_token"]

        answer = await refresh(api, world, old, client_secret=...)

        assert answer.body["refresh_token"] != old

    async def test_it_may_be_narrowed_for_one_access_token_and_never_widened(
        self, api: Api
    ) -> None:
        world = await a_client(api)
        old = (await bought(api, world))["refresh_token"]

        wider = await refresh(api, world, old, scope="episode:read person:read")
        narrow = await refresh(api, world, old, scope="episode:read")
        whole = await refresh(api, world, narrow.body["refresh_token"])

        assert wider.refusal == (400, "invalid_scope")
        assert narrow.body["scope"] == "episode:read"
        assert whole.body["scope"] == "episode:read episode:write"

    async def test_another_clients_token_is_refused_and_lives_on(self, api: Api) -> None:
        world, other = await a_client(api), await a_client(api)
        old = (await bought(api, world))["refresh_token"]

        assert (await refresh(api, other, old)).refusal == (400, "invalid_grant")
        assert (await refresh(api, world, old)).status == 200

    async def test_a_withdrawn_approval_and_a_blocked_user_end_it(self, api: Api) -> None:
        world = await a_client(api)
        old = (await bought(api, world))["refresh_token"]
        async with api.deps.db.begin() as conn:
            await conn.execute(update(tables.users).values(is_blocked=True))

        assert (await refresh(api, world, old)).refusal == (400, "invalid_grant")

    async def test_a_family_ends_though_it_is_used(self, api: Api) -> None:
        world = await a_client(api)
        value = (await bought(api, world))["refresh_token"]
        for _ in range(9):
            api.clock.advance(timedelta(days=10) - timedelta(seconds=1))
            answer = await refresh(api, world, value)
            assert answer.status == 200
            value = answer.body["refresh_token"]

        api.clock.advance(timedelta(seconds=9))

        assert (await refresh(api, world, value)).refusal == (400, "invalid_grant")

    async def test_a_family_that_is_not_used_ends_sooner(self, api: Api) -> None:
        world = await a_client(api)
        value = (await bought(api, world))["refresh_token"]

        api.clock.advance(timedelta(days=14))

        assert (await refresh(api, world, value)).refusal == (400, "invalid_grant")


class TestMoving:
    """A client of /oauth/tokens that is moved from `reuse` to `rotate` by its settings."""

    async def test_it_gets_its_new_token_in_details_and_loses_nobody(
        self, api: Api
    ) -> None:
        world = await a_client(api)
        body = world.refresh_body()
        before = await api.public.post("/oauth/tokens", json=body)
        assert "refresh_token" not in (await before.json())["data"]["details"]

        await set_settings(api, world, refresh_token_policy="rotate")
        moved = await api.public.post("/oauth/tokens", json=body)
        repeated = await api.public.post("/oauth/tokens", json=body)
        new = (await moved.json())["data"]["details"]["refresh_token"]
        after = await api.public.post(
            "/oauth/tokens", json=world.refresh_body(refresh_token=new)
        )

        assert (moved.status, repeated.status, after.status) == (201, 201, 201)
        assert new == (await repeated.json())["data"]["details"]["refresh_token"]
        assert new != world.refresh.value
        assert (await after.json())["data"]["details"]["refresh_token"] != new

    async def test_its_family_goes_on_at_the_standards_endpoint(self, api: Api) -> None:
        world = await a_client(api)

        answer = await refresh(api, world, world.refresh.value)

        assert answer.status == 200
        assert answer.body["refresh_token"] != world.refresh.value


class TestClientCredentials:
    """grant_type=client_credentials: the client itself, nobody behind it."""

    @pytest.mark.parametrize("way", ["basic", "post"])
    async def test_a_client_gets_a_token_without_refresh(self, api: Api, way: str) -> None:
        world = await a_client(api)
        by = {} if way == "basic" else by_post(world)
        headers = basic(world) if way == "basic" else None

        answer = await token(api, client_credentials(scope="episode:read", **by), headers)

        assert answer.status == 200
        assert answer.body["scope"] == "episode:read"
        assert "refresh_token" not in answer.body
        assert await verify(api, answer.body["access_token"]) == 200

    async def test_a_client_that_is_not_allowed_to_is_refused(self, api: Api) -> None:
        world = await a_client(api, allowed_grant_types=["password"])

        answer = await token(api, client_credentials(**by_post(world)))

        assert answer.refusal == (400, "unauthorized_client")

    @pytest.mark.parametrize(
        "scope",
        ["user:write", "openid", "episode:read ", "epіsode:read", "episode:read\tx", 'a"b'],
    )
    async def test_what_its_type_does_not_hold_is_refused(
        self, api: Api, scope: str
    ) -> None:
        world = await a_client(api)

        answer = await token(api, client_credentials(scope=scope, **by_post(world)))

        expected = "invalid_request" if "\t" in scope else "invalid_scope"
        assert answer.refusal == (400, expected)

    async def test_it_cannot_speak_for_the_user_who_owns_the_client(self, api: Api) -> None:
        world = await a_client(api)
        answer = await token(
            api, client_credentials(scope="app:authorize", **by_post(world))
        )
        app: dict[str, Any] = {
            "client_id": str(world.client_id),
            "redirect_uri": world.redirect_uri,
            "scope": "episode:read",
        }

        consent = await api.public.post(
            "/oauth/apps/authorize",
            json={"app": app},
            headers=bearer(answer.body["access_token"]),
        )

        assert consent.status == 401

    async def test_an_event_tells_of_it(self, api: Api) -> None:
        world = await a_client(api)

        await token(api, client_credentials(scope="episode:read", **by_post(world)))

        ((kind, data),) = await events_of(api)
        assert kind == "mithril.token.issued.v1"
        assert data["grant_type"] == "client_credentials"
        assert data["client_id"] == str(world.client_id)


UNKEPT = [
    {"access_token_format": "json"},
    {"id_token_signed_response_alg": "none"},
    {"access_token_format": 1},
    {"jwks_uri": "https://clinic.test/jwks"},
    {"x5t#S256": "A" * 43},
]


class TestPromises:
    """Tokens weaker than what a client is registered for are not issued, in any way."""

    @pytest.mark.parametrize("settings", UNKEPT)
    async def test_a_client_that_relies_on_what_is_not_there_gets_nothing(
        self, api: Api, settings: dict[str, Any]
    ) -> None:
        world = await a_client(api)
        tokens, code = await bought(api, world), await a_code(api, world)
        grants = {"allowed_grant_types": ["client_credentials"]}
        await set_settings(api, world, **grants, **settings)

        answers = [
            await exchange(api, world, code),
            await refresh(api, world, tokens["refresh_token"]),
            await token(api, client_credentials(**by_post(world))),
        ]

        for answer in answers:
            assert answer.refusal == (400, "unauthorized_client")
            assert next(iter(settings)) in answer.body["error_description"]

    @pytest.mark.parametrize(
        "settings",
        [{"access_token_format": "opaque"}, {"dpop_bound_access_tokens": False}],
    )
    async def test_a_setting_that_promises_nothing_is_in_nobodys_way(
        self, api: Api, settings: dict[str, Any]
    ) -> None:
        world = await a_client(api, **settings)

        answer = await token(api, client_credentials(**by_post(world)))

        assert answer.status == 200


async def test_a_grant_type_that_nobody_knows_is_named_as_such(api: Api) -> None:
    world = await a_client(api)

    answer = await token(api, {"grant_type": "password", **by_post(world)})

    assert answer.refusal == (400, "unsupported_grant_type")
