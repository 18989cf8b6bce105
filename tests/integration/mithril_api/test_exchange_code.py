"""Exchanging a code over HTTP: contract, order of checks, single use (spec §3.5, D14)."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from shared.models.schema import mithril as tables
from shared.models.tokens import TokenName
from tests.builders import World
from tests.integration.mithril_api.asking import (
    Answered,
    a_clinic,
    a_session,
    authorize,
    events_of,
    exchange,
    execute,
    live_tokens,
    log_out,
    required,
    verify,
)
from tests.integration.mithril_api.conftest import Api
from tests.races import until_waiting

# The example of RFC 7636, appendix B.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
PKCE = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
USED = (401, "access_denied", "Token has already been used.")
EXPIRED = (401, "token_expired", "Token expired.")
NOBODY = "6498d88e-97fb-47e2-85a5-99e884f888aa"


async def a_code(api: Api, **but: Any) -> tuple[World, str]:
    """A code as a consent gives one; what led to it is forgotten."""
    world = await a_clinic(api.deps)
    session = await a_session(api, world, scope="app:authorize")
    _, body = await authorize(
        api, world, session.value, **{"scope": "episode:read person:read", **but}
    )
    others = tables.tokens.c.name != "authorization_code"
    await execute(api, tables.tokens.delete().where(others))
    await execute(api, tables.outbox.delete())
    return world, body["data"]["value"]


def refused(answered: Answered) -> tuple[int, str, str]:
    status, body = answered
    return status, body["error"]["type"], body["error"]["message"]


async def refresh(api: Api, world: World, value: str) -> int:
    body = world.refresh_body(refresh_token=value)
    return (await api.public.post("/oauth/tokens", json=body)).status


def refresh_token_of(body: dict[str, Any]) -> str:
    return str(body["data"]["details"]["refresh_token"])


async def test_a_code_buys_the_documented_tokens(api: Api) -> None:
    world, code = await a_code(api)
    token = {
        "grant_type": "authorization_code",
        "client_id": str(world.client_id),
        "client_secret": world.client_secret,
        "code": code,
        "redirect_uri": world.redirect_uri,
        "scope": "what is asked here is ignored",
    }

    response = await api.public.post("/oauth/tokens", json={"token": token})
    body = await response.json()

    expires = api.clock.now() + timedelta(seconds=3600)
    refresh_token = refresh_token_of(body)
    assert response.status == 201
    assert response.headers["Cache-Control"] == "no-store"
    assert body == {
        "meta": {
            "code": 201,
            "type": "object",
            "url": str(response.url),
            "request_id": response.headers["X-Request-ID"],
        },
        "data": {
            "id": body["data"]["id"],
            "name": "access_token",
            "value": body["data"]["value"],
            "expires_at": int(expires.timestamp()),
            "user_id": str(world.user_id),
            "details": {
                "client_id": str(world.client_id),
                "grant_type": "authorization_code",
                "scope": "episode:read person:read",
                "app_id": str(world.app_id),
                "redirect_uri": world.redirect_uri,
                "refresh_token": refresh_token,
            },
        },
    }
    assert await verify(api, body["data"]["value"]) == 200
    assert await refresh(api, world, refresh_token) == 201


async def test_each_token_bought_is_told_of_as_one_family(api: Api) -> None:
    world, code = await a_code(api)

    _, body = await exchange(api, world, code)

    told = [(kind, data["name"]) for kind, data in await events_of(api)]
    families = {data["family_id"] for _, data in await events_of(api)}
    issued = "mithril.token.issued.v1"
    assert told == [(issued, "refresh_token"), (issued, "access_token")]
    assert len(families) == 1
    assert body["data"]["value"] not in str(await events_of(api))


async def test_logging_out_ends_the_refresh_token_too(api: Api) -> None:
    world, code = await a_code(api)
    _, body = await exchange(api, world, code)

    await log_out(api, body["data"]["value"])

    assert await refresh(api, world, refresh_token_of(body)) == 401


@pytest.mark.parametrize("missing", ["client_id", "client_secret", "code", "redirect_uri"])
async def test_each_missing_field_is_named(api: Api, missing: str) -> None:
    world, code = await a_code(api)

    status, body = await exchange(api, world, code, **{missing: ...})

    assert (status, body["error"]["invalid"]) == (422, required(missing))


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        pytest.param(
            {"client_secret": "wrong", "code": "never-issued"},
            (401, "invalid_client", "Invalid client id or secret."),
            id="a wrong secret, asked before the code",
        ),
        pytest.param(
            {"client_id": NOBODY},
            (401, "invalid_client", "Invalid client id or secret."),
            id="no such client",
        ),
        pytest.param(
            {"client_id": "nonsense"},
            (
                400,
                "request_malformed",
                "Malformed request. Probably, you have sent corrupted JSON.",
            ),
            id="a client id that is no UUID",
        ),
        pytest.param(
            {"code": "never-issued"},
            (401, "token_not_found", "Token not found."),
            id="no such code",
        ),
        pytest.param(
            {"code": "mth" + "0" * 29},
            (401, "token_not_found", "Token not found."),
            id="a code whose checksum is wrong",
        ),
        pytest.param(
            {"redirect_uri": "https://clinic.test/callback/"},
            (
                401,
                "invalid_client",
                "The redirection URI provided does not match a pre-registered value.",
            ),
            id="another address",
        ),
        pytest.param(
            {"code_verifier": VERIFIER},
            (401, "invalid_grant", "Code verifier does not match."),
            id="a proof that nobody asked for",
        ),
    ],
)
async def test_a_refusal_has_its_documented_answer_and_spends_nothing(
    api: Api, asked: dict[str, Any], expected: tuple[int, str, str]
) -> None:
    world, code = await a_code(api)

    first = await exchange(api, world, code, **asked)
    then, _ = await exchange(api, world, code)

    assert (refused(first), then) == (expected, 201)


async def test_another_clients_code_is_not_found_or_expired(api: Api) -> None:
    _, code = await a_code(api)
    other = await a_clinic(api.deps)

    assert refused(await exchange(api, other, code)) == (
        401,
        "invalid_grant",
        "Token not found or expired.",
    )


async def test_a_code_ends_on_the_dot(api: Api) -> None:
    world, code = await a_code(api)

    api.clock.advance(timedelta(seconds=120))

    assert refused(await exchange(api, world, code)) == EXPIRED


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param(
            update(tables.users).values(is_blocked=True),
            (401, "user_blocked", "User blocked."),
            id="a blocked user",
        ),
        pytest.param(
            update(tables.clients).values(is_blocked=True),
            (401, "access_denied", "Client is blocked."),
            id="a blocked client",
        ),
        pytest.param(
            tables.apps.delete(),
            (401, "access_denied", "Resource owner revoked access for the client."),
            id="a withdrawn approval",
        ),
        pytest.param(
            update(tables.connections).values(redirect_uri="https://clinic.test/new"),
            (
                401,
                "invalid_client",
                "The redirection URI provided does not match a pre-registered value.",
            ),
            id="an address registered no more",
        ),
    ],
)
async def test_what_changed_since_the_consent_counts(
    api: Api, change: Any, expected: tuple[int, str, str]
) -> None:
    world, code = await a_code(api)
    await execute(api, change)

    assert refused(await exchange(api, world, code)) == expected


class TestProof:
    """PKCE: who began must be who ends (RFC 7636)."""

    async def test_the_verifier_of_the_challenge_is_taken(self, api: Api) -> None:
        world, code = await a_code(api, **PKCE)

        status, body = await exchange(api, world, code, code_verifier=VERIFIER)

        assert status == 201
        assert CHALLENGE not in str(body)

    @pytest.mark.parametrize("verifier", ["a" * 43, "short", ...])
    async def test_anything_else_is_refused_and_spends_nothing(
        self, api: Api, verifier: Any
    ) -> None:
        world, code = await a_code(api, **PKCE)

        first = await exchange(api, world, code, code_verifier=verifier)
        then, _ = await exchange(api, world, code, code_verifier=VERIFIER)

        expected = (401, "invalid_grant", "Code verifier does not match.")
        assert (refused(first), then) == (expected, 201)


class TestSingleUse:
    """A code buys once; what happens to it when it comes back."""

    async def test_of_two_exchanges_at_once_one_buys_and_nothing_is_revoked(
        self, api: Api
    ) -> None:
        world, code = await a_code(api)
        async with api.deps.db.begin() as holder:
            await holder.execute(tables.tokens.select().with_for_update())
            both = [asyncio.create_task(exchange(api, world, code)) for _ in range(2)]
            await until_waiting(api.deps, 2)
        bought, other = sorted(await asyncio.gather(*both), key=lambda answer: answer[0])

        assert (bought[0], refused(other)) == (201, USED)
        assert await live_tokens(api, world.user_id) == ["access_token", "refresh_token"]
        assert await verify(api, bought[1]["data"]["value"]) == 200
        assert [kind for kind, _ in await events_of(api)] == ["mithril.token.issued.v1"] * 2

    async def test_a_retry_within_ten_seconds_is_no_theft(self, api: Api) -> None:
        world, code = await a_code(api)
        _, bought = await exchange(api, world, code)

        api.clock.advance(timedelta(seconds=10))
        again = await exchange(api, world, code)

        assert refused(again) == USED
        assert await refresh(api, world, refresh_token_of(bought)) == 201

    @pytest.mark.parametrize("seconds", [11, 3000])
    async def test_a_later_reuse_revokes_what_the_code_bought_and_says_so(
        self, api: Api, seconds: int
    ) -> None:
        world, code = await a_code(api)
        _, bought = await exchange(api, world, code)
        await refresh(api, world, refresh_token_of(bought))

        api.clock.advance(timedelta(seconds=seconds))
        again = await exchange(api, world, code)

        assert refused(again) == USED
        assert await verify(api, bought["data"]["value"]) == 401
        assert await refresh(api, world, refresh_token_of(bought)) == 401
        assert await live_tokens(api, world.user_id) == []
        family = (await events_of(api))[0][1]["family_id"]
        ids = {"user_id": str(world.user_id), "client_id": str(world.client_id)}
        live_code = 1 if seconds < 120 else 0  # the code itself is of the family
        assert (await events_of(api))[-2:] == [
            (
                "mithril.token.reuse-detected.v1",
                {
                    **ids,
                    "token_id": family,
                    "name": "authorization_code",
                    "family_id": family,
                    "generation": 0,
                },
            ),
            (
                "mithril.token.revoked.v1",
                {
                    **ids,
                    "selector": "family",
                    "reason": "code_reused",
                    "app_id": None,
                    "family_id": family,
                    "token_id": None,
                    "count": 3 + live_code,
                },
            ),
        ]

    async def test_a_theft_is_told_of_once(self, api: Api) -> None:
        world, code = await a_code(api)
        await exchange(api, world, code)
        api.clock.advance(timedelta(seconds=11))

        answers = [refused(await exchange(api, world, code)) for _ in range(3)]

        kinds = [kind for kind, _ in await events_of(api)]
        assert answers == [USED] * 3
        assert kinds.count("mithril.token.reuse-detected.v1") == 1

    async def test_a_refresh_under_way_does_not_survive_a_theft(self, api: Api) -> None:
        world, code = await a_code(api)
        _, bought = await exchange(api, world, code)
        api.clock.advance(timedelta(seconds=11))
        is_refresh = tables.tokens.c.name == str(TokenName.REFRESH)
        async with api.deps.db.begin() as holder:
            await holder.execute(tables.tokens.select().where(is_refresh).with_for_update())
            refreshing = asyncio.create_task(refresh(api, world, refresh_token_of(bought)))
            await until_waiting(api.deps, 1)
            theft = asyncio.create_task(exchange(api, world, code))
            await until_waiting(api.deps, 2)
        await refreshing

        assert refused(await theft) == USED
        assert await live_tokens(api, world.user_id) == []


class TestRaces:
    """An exchange beside what ends its right to be."""

    async def test_a_block_under_way_is_not_escaped(self, api: Api) -> None:
        world, code = await a_code(api)
        async with api.deps.db.begin() as blocker:
            await blocker.execute(update(tables.users).values(is_blocked=True))
            waiting = asyncio.create_task(exchange(api, world, code))
            await until_waiting(api.deps)
        answer = await waiting

        assert refused(answer) == (401, "user_blocked", "User blocked.")
