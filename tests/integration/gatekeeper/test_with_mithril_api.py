"""Before the real mithril-api and a real broker: whatever ends a token ends it here at once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import select

from services.gatekeeper.app import Built, build
from services.mithril_api.app import Built as BuiltApi
from services.mithril_api.app import build as build_api
from services.mithril_api.settings import Settings as ApiSettings
from shared.models.schema import mithril as tables
from shared.models.tokens import TokenName
from tests.builders import World, a_token, a_world, store
from tests.integration.gatekeeper.conftest import settings_for
from tests.integration.gatekeeper.values import SERVICE_TOKEN
from tests.neighbours.ladder import Broker


@dataclass(frozen=True)
class Set:
    """mithril-api with its relay, gatekeeper, and the broker between."""

    api: BuiltApi
    internal: TestClient[Any, Any]
    public: TestClient[Any, Any]
    gate: Built
    door: TestClient[Any, Any]

    async def status(self, token: str, **headers: str) -> int:
        sent = {
            "X-Original-URI": "/api/persons",
            "X-Original-Method": "GET",
            "Authorization": f"Bearer {token}",
        }
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return (await self.door.get("/verify", headers=sent)).status

    async def heard(self) -> None:
        """Return when the cache is used."""
        async with asyncio.timeout(60):
            await self.gate.revocations.heard.wait()

    async def refused(self, token: str, **headers: str) -> None:
        """Return when a token passes no longer. What is kept would pass for a minute."""
        async with asyncio.timeout(30):
            while await self.status(token, **headers) == 200:
                await asyncio.sleep(0.01)

    async def do(self, method: str, path: str, **body: Any) -> None:
        """Something an operator does."""
        answer = await self.internal.request(method, path, json=body or None)
        assert answer.status in {200, 201, 204}, await answer.text()

    async def a_token(self, world: World) -> str:
        made = a_token(self.api.deps, TokenName.ACCESS, world.user_id, world.client_id)
        await store(self.api.deps, made)
        return made.value

    async def id_of(self, world: World) -> UUID:
        async with self.api.deps.db.read() as conn:
            query = select(tables.tokens.c.id).where(
                tables.tokens.c.user_id == world.user_id,
                tables.tokens.c.name == TokenName.ACCESS,
            )
            found: UUID = (await conn.execute(query)).scalars().one()
            return found


@asynccontextmanager
async def in_background(
    *tasks: Callable[[asyncio.Event], Awaitable[None]],
) -> AsyncIterator[None]:
    stop = asyncio.Event()
    running = [asyncio.ensure_future(task(stop)) for task in tasks]
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*running)


@pytest.fixture
async def whole(
    mithril_database: str, own_kafka: Broker, tmp_path: Path
) -> AsyncIterator[Set]:
    api = build_api(
        ApiSettings(
            database_url=mithril_database,
            secret_keys=("key-for-tests-0123456789",),
            service_tokens=(SERVICE_TOKEN,),
            kafka_bootstrap_servers=own_kafka.address,
            db_pool_size=5,
            password_memory_kib=64,
            password_passes=1,
        )
    )
    bearer = {"Authorization": f"Bearer {SERVICE_TOKEN}"}
    async with (
        TestClient(TestServer(api.internal), headers=bearer) as internal,
        TestClient(TestServer(api.public)) as public,
    ):
        settings = settings_for(
            str(internal.make_url("")),
            tmp_path,
            mithril_api_public_url=str(public.make_url("")),
            kafka_bootstrap_servers=own_kafka.address,
            cache_seconds=60,
        )
        gate = build(settings)
        async with (
            TestClient(TestServer(gate.public)) as door,
            in_background(api.relay.run, gate.revocations.run),
        ):
            yield Set(api, internal, public, gate, door)
    await api.deps.db.dispose()
    api.deps.passwords.close()


async def test_whatever_ends_a_token_ends_it_at_the_door(whole: Set) -> None:
    """One set for all, since a broker of one's own takes its time to start."""
    world = await a_world(whole.api.deps)
    # The topics are there once each has an event.
    await signed_out(whole, world, await whole.a_token(world))
    await user_blocked(whole, world, "")
    await whole.heard()
    for end in (
        signed_out,
        user_blocked,
        client_blocked,
        token_deleted,
        tokens_of_user_deleted,
        client_changed,
    ):
        world = await a_world(whole.api.deps)
        token = await whole.a_token(world)
        assert await whole.status(token) == 200, end.__name__
        kept = len(whole.gate.cache)
        assert await whole.status(token) == 200
        assert len(whole.gate.cache) == kept
        assert kept >= 1
        await end(whole, world, token)
        await whole.refused(token)


async def signed_out(whole: Set, _: World, token: str) -> None:
    bearer = {"Authorization": f"Bearer {token}"}
    assert (await whole.public.post("/auth/logout", headers=bearer)).status == 200


async def user_blocked(whole: Set, world: World, _: str) -> None:
    await whole.do("PATCH", f"/admin/users/{world.user_id}/actions/block")


async def client_blocked(whole: Set, world: World, _: str) -> None:
    path = f"/admin/clients/{world.client_id}"
    await whole.do("PATCH", path, client={"is_blocked": True})


async def token_deleted(whole: Set, world: World, _: str) -> None:
    await whole.do("DELETE", f"/admin/tokens/{await whole.id_of(world)}")


async def tokens_of_user_deleted(whole: Set, world: World, _: str) -> None:
    await whole.do("DELETE", f"/admin/users/{world.user_id}/tokens")


async def client_changed(whole: Set, world: World, _: str) -> None:
    """Behind a broker now, so that the token needs a key beside it."""
    path = f"/admin/clients/{world.client_id}"
    await whole.do("PATCH", path, client={"priv_settings": {"access_type": "BROKER"}})
