"""A refresh under way while what it rests on is taken away (spec §2.2).

Whichever comes first, no token outlives both.
"""

import asyncio

import pytest

from services.mithril_api.store import tokens
from shared.models.tokens import TokenName
from tests.builders import World, a_token, a_world, store
from tests.integration.mithril_api.administering import ask
from tests.integration.mithril_api.asking import live_tokens, verify
from tests.integration.mithril_api.conftest import Api
from tests.races import commit_now, until_waiting


@pytest.mark.parametrize("policy", ["reuse", "rotate"])
async def test_a_refresh_under_way_leaves_nothing_live_when_its_user_is_blocked(
    api: Api, policy: str
) -> None:
    world = await a_world(api.deps, client_settings={"refresh_token_policy": policy})
    # Held here, so that both wait for the one row that decides which comes first.
    async with api.deps.db.begin() as conn:
        await tokens.lock(conn, world.refresh.value, TokenName.REFRESH)
        refresh = asyncio.create_task(refreshed(api, world))
        await until_waiting(api.deps, 1)
        block = asyncio.create_task(
            ask(api, "PATCH", f"/users/{world.user_id}/actions/block")
        )
        await until_waiting(api.deps, 2)

    (status, value), (blocked, _) = await asyncio.gather(refresh, block)

    assert (status, blocked) == (201, 200)
    assert await live_tokens(api, world.user_id) == []
    await ask(api, "PATCH", f"/users/{world.user_id}/actions/unblock")
    assert await verify(api, value) == 401


@pytest.mark.parametrize("policy", ["reuse", "rotate"])
async def test_a_refresh_under_way_gets_nothing_when_the_block_was_first(
    api: Api, policy: str
) -> None:
    world = await a_world(api.deps, client_settings={"refresh_token_policy": policy})
    async with api.deps.db.begin() as conn:
        await tokens.lock(conn, world.refresh.value, TokenName.REFRESH)
        block = asyncio.create_task(
            ask(api, "PATCH", f"/users/{world.user_id}/actions/block")
        )
        await until_waiting(api.deps, 1)
        refresh = asyncio.create_task(refreshed(api, world))
        await until_waiting(api.deps, 2)

    (status, _), (blocked, _) = await asyncio.gather(refresh, block)

    assert (status, blocked) == (401, 200)
    assert await live_tokens(api, world.user_id) == []


async def test_a_refresh_under_way_leaves_nothing_live_when_its_consent_is_withdrawn(
    api: Api,
) -> None:
    world = await a_world(api.deps)
    headers = {"x-consumer-id": str(world.user_id)}
    path = f"/apps/{world.app_id}"
    async with api.deps.db.begin() as conn:
        await tokens.lock(conn, world.refresh.value, TokenName.REFRESH)
        refresh = asyncio.create_task(refreshed(api, world))
        await until_waiting(api.deps, 1)
        withdrawal = asyncio.create_task(ask(api, "DELETE", path, headers=headers))
        await until_waiting(api.deps, 2)

    (status, value), (withdrawn, _) = await asyncio.gather(refresh, withdrawal)

    assert (status, withdrawn) == (201, 204)
    assert await live_tokens(api, world.user_id) == []
    assert await verify(api, value) == 401


@pytest.mark.parametrize("what", ["", "/apps", "/tokens"])
async def test_a_refresh_under_way_leaves_nothing_live_when_all_is_deleted(
    api: Api, what: str
) -> None:
    world = await a_world(api.deps)
    path = f"/users/{world.user_id}{what}"
    async with api.deps.db.begin() as conn:
        await tokens.lock(conn, world.refresh.value, TokenName.REFRESH)
        refresh = asyncio.create_task(refreshed(api, world))
        await until_waiting(api.deps, 1)
        deletion = asyncio.create_task(ask(api, "DELETE", path))
        await until_waiting(api.deps, 2)

    (status, _), (deleted, _) = await asyncio.gather(refresh, deletion)

    assert (status, deleted) == (201, 204)
    assert await live_tokens(api, world.user_id) == []


async def test_a_refresh_under_way_leaves_nothing_live_though_its_successor_is_in_use_already(
    api: Api,
) -> None:
    """The block meets one refresh after another: two passes would not be enough."""
    world = await a_world(api.deps, client_settings={"refresh_token_policy": "rotate"})
    later = a_token(api.deps, TokenName.ACCESS, world.user_id, world.client_id)
    await store(api.deps, later)
    async with api.deps.db.begin() as second:
        async with api.deps.db.begin() as first:
            await tokens.lock(second, later.value, TokenName.ACCESS)
            await tokens.lock(first, world.refresh.value, TokenName.REFRESH)
            rotation = asyncio.create_task(rotated(api, world, world.refresh.value))
            await until_waiting(api.deps, 1)
            block = asyncio.create_task(
                ask(api, "PATCH", f"/users/{world.user_id}/actions/block")
            )
            await until_waiting(api.deps, 2)
        successor = await rotation
        async with api.deps.db.begin() as third:
            await tokens.lock(third, successor, TokenName.REFRESH)
            again = asyncio.create_task(rotated(api, world, successor))
            await until_waiting(api.deps, 2)
            await commit_now(second)
            await until_waiting(api.deps, 2)
    await asyncio.gather(again, block)

    assert await live_tokens(api, world.user_id) == []


async def refreshed(api: Api, world: World) -> tuple[int, str]:
    response = await api.public.post("/oauth/tokens", json=world.refresh_body())
    body = await response.json()
    return response.status, body["data"]["value"] if response.status == 201 else ""


async def rotated(api: Api, world: World, value: str) -> str:
    body = world.refresh_body(refresh_token=value)
    response = await api.public.post("/oauth/tokens", json=body)
    data = (await response.json())["data"]
    return str(data["details"]["refresh_token"])
