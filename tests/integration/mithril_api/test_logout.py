"""Logging out: the session of a bearer token ends, with its refresh token (docs §5)."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.mithril_api.domain import values
from services.mithril_api.domain.minting import Minted
from services.mithril_api.store import tokens
from shared.models.schema import mithril as tables
from shared.models.tokens import TokenName
from tests.builders import World, a_token, a_world, store
from tests.integration.mithril_api.asking import (
    a_session,
    events_of,
    live_tokens,
    log_out,
    verify,
)
from tests.integration.mithril_api.conftest import Api
from tests.races import until_waiting

EXPIRED = (401, {"type": "token_expired", "message": "Token expired."})


async def refreshed(api: Api, world: World) -> str:
    response = await api.public.post("/oauth/tokens", json=world.refresh_body())
    body = await response.json()
    return str(body["data"]["value"])


async def refused(api: Api, value: str) -> tuple[int, Any]:
    status, body = await log_out(api, value)
    return status, body["error"]


async def moved_in(api: Api, world: World, value: str, name: TokenName) -> None:
    minted = a_token(api.deps, name, world.user_id, world.client_id)
    token = replace(minted.token, digest=values.digest_of(value))
    await store(api.deps, Minted(token, value))
    async with api.deps.db.begin() as conn:
        await tokens.remember_expiry(
            conn, digest=token.digest, name=name, expires_at=token.expires_at
        )


async def test_a_logout_ends_the_session_and_its_refresh_token(api: Api) -> None:
    world = await a_world(api.deps)
    access, sibling = await refreshed(api, world), await refreshed(api, world)

    status, body = await log_out(api, access)

    assert (status, body["data"]) == (200, {})
    assert await live_tokens(api, world.user_id) == []
    assert [await verify(api, value) for value in (access, sibling)] == [401, 401]
    response = await api.public.post("/oauth/tokens", json=world.refresh_body())
    assert (response.status, (await response.json())["error"]) == EXPIRED
    assert (await events_of(api))[-1] == (
        "mithril.token.revoked.v1",
        {
            "selector": "family",
            "reason": "logout",
            "user_id": str(world.user_id),
            "client_id": str(world.client_id),
            "app_id": None,
            "family_id": str(world.refresh.token.family_id),
            "token_id": None,
            "count": 3,
        },
    )


async def test_a_session_without_a_family_ends_alone(api: Api) -> None:
    world = await a_world(api.deps)
    session = await a_session(api, world, scope="app:authorize")

    status, _ = await log_out(api, session.value)

    assert status == 200
    assert await live_tokens(api, world.user_id) == ["refresh_token"]


async def test_a_session_ends_once(api: Api) -> None:
    world = await a_world(api.deps)
    access = await refreshed(api, world)
    await log_out(api, access)

    again = await refused(api, access)

    assert again == EXPIRED
    assert [kind for kind, _ in await events_of(api)] == [
        "mithril.token.refreshed.v1",
        "mithril.token.revoked.v1",
    ]


async def test_of_two_logouts_at_once_one_finds_the_session_ended(api: Api) -> None:
    world = await a_world(api.deps)
    session = await a_session(api, world, scope="app:authorize")
    async with api.deps.db.begin() as holder:
        await holder.execute(tables.tokens.select().with_for_update())
        both = [asyncio.create_task(log_out(api, session.value)) for _ in range(2)]
        await until_waiting(api.deps, 2)
    answers = await asyncio.gather(*both)

    assert sorted(status for status, _ in answers) == [200, 401]
    assert [kind for kind, _ in await events_of(api)] == ["mithril.token.revoked.v1"]


async def test_a_refresh_under_way_does_not_survive_the_logout(api: Api) -> None:
    world = await a_world(api.deps)
    access = await refreshed(api, world)
    async with api.deps.db.begin() as holder:
        refresh_tokens = tables.tokens.c.name == "refresh_token"
        chosen = tables.tokens.select().where(refresh_tokens)
        await holder.execute(chosen.with_for_update())
        refresh = asyncio.create_task(refreshed(api, world))
        await until_waiting(api.deps, 1)
        logout = asyncio.create_task(log_out(api, access))
        await until_waiting(api.deps, 2)
    value, (status, _) = await refresh, await logout

    assert (await verify(api, value), status) == (401, 200)
    assert await live_tokens(api, world.user_id) == []


async def test_a_token_that_expired_is_over_already(api: Api) -> None:
    world = await a_world(api.deps)
    session = await a_session(api, world, scope="app:authorize")

    api.clock.advance(timedelta(hours=1))

    assert await refused(api, session.value) == EXPIRED


@pytest.mark.parametrize("value", ["never-issued", "0" * 32, "mth" + "0" * 29])
async def test_an_unknown_token_is_invalid(api: Api, value: str) -> None:
    assert await refused(api, value) == (
        401,
        {"type": "token_invalid", "message": "Invalid token."},
    )


@pytest.mark.parametrize(
    "name", [name for name in TokenName if name is not TokenName.ACCESS]
)
async def test_only_access_tokens_have_a_session(api: Api, name: TokenName) -> None:
    world = await a_world(api.deps)
    other = await a_session(api, world, name, scope="")

    assert await refused(api, other.value) == (
        401,
        {"type": "token_invalid_type", "message": "Invalid token type."},
    )


async def test_a_value_moved_in_for_two_kinds_ends_as_an_access_token(api: Api) -> None:
    world = await a_world(api.deps)
    value = "FromElsewhere0000000000000000009"
    for name in (TokenName.CHANGE_PASSWORD, TokenName.ACCESS):
        await moved_in(api, world, value, name)

    status, _ = await log_out(api, value)

    assert status == 200
    assert await live_tokens(api, world.user_id) == [
        "change_password_token",
        "refresh_token",
    ]


@pytest.mark.parametrize("header", [None, "", "Basic YTpi", "Bearer", "Bearer  "])
async def test_without_a_bearer_there_is_nothing_to_end(
    api: Api, header: str | None
) -> None:
    headers = {} if header is None else {"Authorization": header}

    response = await api.public.post("/auth/logout", headers=headers)

    assert (response.status, (await response.json())["error"]) == (
        401,
        {"type": "access_denied", "message": "Authorization header required."},
    )
