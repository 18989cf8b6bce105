"""abac-log-consumer's public listener before a real mithril-api, each with its database."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer

from services.abac_log_consumer.app import Built, build
from services.abac_log_consumer.settings import Settings
from services.mithril_api.app import Built as MithrilBuilt
from services.mithril_api.app import build as build_mithril
from shared.models.schema import mithril as tables
from shared.models.tokens import TokenName
from tests.builders import World, a_token, a_world, store
from tests.fakes import SteppingClock
from tests.integration.abac_log_auditors.records import Records
from tests.integration.mithril_api.conftest import SERVICE_TOKEN, settings_for

READ, EXPORT = "abac_log:read", "abac_log:export"


@dataclass(frozen=True)
class Audit:
    """The service under test, and mithril-api beside it."""

    built: Built
    public: TestClient[Any, Any]
    mithril: MithrilBuilt
    mithril_server: TestServer
    world: World
    clock: SteppingClock
    records: Records

    async def token(self, *scope: str, lives: timedelta = timedelta(hours=1)) -> str:
        """An access token of the world's user with this scope."""
        deps = self.mithril.deps
        minted = a_token(
            deps,
            TokenName.ACCESS,
            self.world.user_id,
            self.world.client_id,
            scope=scope,
            lives=lives,
        )
        await store(deps, minted)
        return minted.value

    async def get(self, path: str, *scope: str, **query: Any) -> ClientResponse:
        """Ask as an auditor who may read, unless another scope is given."""
        value = await self.token(*(scope or (READ,)))
        return await self.ask(path, value, **query)

    async def ask(self, path: str, value: str, /, **query: Any) -> ClientResponse:
        """Ask with an access token. `from_` stands for `from`."""
        params = {name.rstrip("_"): str(item) for name, item in query.items()}
        headers = {"Authorization": f"Bearer {value}"}
        return await self.public.get(path, headers=headers, params=params)

    async def listed(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """The data of one page, which must be had."""
        answer = await self.get(path, **query)
        body = await answer.json()
        assert answer.status == 200, body
        data: list[dict[str, Any]] = body["data"]
        return data

    async def make_patient(self, person_id: UUID) -> None:
        """Make the world's user the person of a patient."""
        change = tables.users.update().where(tables.users.c.id == self.world.user_id)
        async with self.mithril.deps.db.begin() as conn:
            await conn.execute(change.values(person_id=str(person_id)))


def audit_settings(database_url: str, mithril_url: str, **but: Any) -> Settings:
    """Settings that a test needs; `but` overrides by field name."""
    values: dict[str, Any] = {
        "database_url": database_url,
        "kafka_bootstrap_servers": "127.0.0.1:1",
        "service_tokens": (SERVICE_TOKEN,),
        "signing_key": "01" * 32,
        "mithril_api_url": mithril_url,
        "db_pool_size": 4,
    }
    values.update(but)
    return Settings(**values)


@pytest.fixture
async def audit(audit_database: str, mithril_database: str) -> AsyncIterator[Audit]:
    """Both services in one loop; nothing is recorded but by the test."""
    clock = SteppingClock()
    mithril = build_mithril(settings_for(mithril_database), clock=clock)
    owner = await asyncpg.connect(audit_database)
    server = TestServer(mithril.internal)
    async with server:
        settings = audit_settings(audit_database, str(server.make_url("/")))
        built = build(settings, clock=clock)
        async with TestClient(TestServer(built.public)) as public:
            yield Audit(
                built=built,
                public=public,
                mithril=mithril,
                mithril_server=server,
                world=await a_world(mithril.deps),
                clock=clock,
                records=Records(owner, clock.now()),
            )
    await owner.close()
    await built.deps.db.dispose()
    await mithril.deps.db.dispose()
    mithril.deps.passwords.close()
