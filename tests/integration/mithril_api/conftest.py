"""mithril-api in one loop: both listeners over TestServer, a database of its own a test."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from services.mithril_api.app import Built, build
from services.mithril_api.deps import Deps
from services.mithril_api.settings import Settings
from tests.fakes import SteppingClock
from tests.integration.mithril_api.conformance import Conformance

if TYPE_CHECKING:
    from tests.integration.mithril_api.town import Town

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
        "secret_keys": ("key-for-tests-0123456789",),
        "service_tokens": (SERVICE_TOKEN,),
        "kafka_bootstrap_servers": "127.0.0.1:1",
        "db_pool_size": 5,
        "password_memory_kib": 64,
        "password_passes": 1,
    }
    values.update(but)
    return Settings(**values)


@pytest.fixture
def clock() -> SteppingClock:
    return SteppingClock()


@pytest.fixture
async def api(mithril_database: str, clock: SteppingClock) -> AsyncIterator[Api]:
    """Both listeners on a fresh database; the relay does not run.

    Answers that the OpenAPI document does not know fail the test.
    The internal client sends the service token unless told otherwise.
    """
    built = build(settings_for(mithril_database), clock=clock)
    conformance = Conformance(built)
    bearer = {"Authorization": f"Bearer {SERVICE_TOKEN}"}
    async with (
        TestClient(TestServer(built.public)) as public,
        TestClient(TestServer(built.internal), headers=bearer) as internal,
    ):
        yield Api(built=built, clock=clock, public=public, internal=internal)
    await built.deps.db.dispose()
    built.deps.passwords.close()
    assert conformance.complaints == []


@pytest.fixture
async def town(mithril_database: str, clock: SteppingClock) -> AsyncIterator["Town"]:
    """The same beside the emulated outside systems. The postman does not run."""
    from tests.integration.mithril_api.town import a_town

    async with a_town(mithril_database, clock) as made:
        yield made
