"""abac-api in one loop: both listeners over TestServer, a database of its own a test."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from services.abac_api.app import Built, build
from services.abac_api.deps import Deps
from services.abac_api.settings import Settings
from tests.fakes import SteppingClock

SERVICE_TOKEN = "service-token-for-tests"


@dataclass(frozen=True)
class Api:
    """The service under test."""

    built: Built
    clock: SteppingClock
    public: TestClient[Any, Any]
    internal: TestClient[Any, Any]

    @property
    def deps(self) -> Deps:
        return self.built.deps


def settings_for(database_url: str, **but: Any) -> Settings:
    """Settings that a test needs; `but` overrides by field name."""
    values: dict[str, Any] = {
        "database_url": database_url,
        "service_tokens": (SERVICE_TOKEN,),
        "kafka_bootstrap_servers": "127.0.0.1:1",
        "db_pool_size": 5,
    }
    values.update(but)
    return Settings(**values)


@pytest.fixture
def clock() -> SteppingClock:
    return SteppingClock()


@pytest.fixture
async def api(abac_database: str, clock: SteppingClock) -> AsyncIterator[Api]:
    """Both listeners on a fresh database; neither relay nor consumer runs.

    Both clients send the service token unless told otherwise.
    """
    built = build(settings_for(abac_database), clock=clock)
    bearer = {"Authorization": f"Bearer {SERVICE_TOKEN}"}
    async with (
        TestClient(TestServer(built.public), headers=bearer) as public,
        TestClient(TestServer(built.internal), headers=bearer) as internal,
    ):
        yield Api(built=built, clock=clock, public=public, internal=internal)
    await built.deps.db.dispose()
