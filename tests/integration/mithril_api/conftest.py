"""mithril-api in one loop: both listeners over TestServer, a database of its own a test."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer

from services.mithril_api.app import Built, build
from services.mithril_api.deps import Deps
from services.mithril_api.settings import Settings
from tests.fakes import SteppingClock
from tests.integration.mithril_api.conformance import Conformance
from tests.neighbours.databases import clone, drop

if TYPE_CHECKING:
    from tests.integration.mithril_api.town import Town

SERVICE_TOKEN = "service-token-for-tests"
_BY_ADDRESS = tuple(name for name in Settings.model_fields if name.endswith("_address"))


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


@asynccontextmanager
async def an_api(
    database_url: str, clock: SteppingClock, **settings: Any
) -> AsyncIterator[Api]:
    """Both listeners on a database; the relay does not run.

    Answers that the OpenAPI document does not know fail the test.
    The internal client sends the service token unless told otherwise.
    """
    built = build(settings_for(database_url, **settings), clock=clock)
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
async def api(mithril_database: str, clock: SteppingClock) -> AsyncIterator[Api]:
    """The service on a fresh database."""
    async with an_api(mithril_database, clock) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def standing_api(
    postgres_url: str, mithril_template: str, database_name: Callable[[str], str]
) -> AsyncIterator[Api]:
    """The service for a module of tests that add to it and change nothing of each other's.

    A database of its own costs a test more than a question does. A module that takes this
    one says so by a fixture `api` of its own and `pytest.mark.asyncio(loop_scope="module")`.
    There are no limits by address, which all of its tests would share.
    """
    name = database_name("mithril")
    unlimited = dict.fromkeys(_BY_ADDRESS, "off")
    url = await clone(postgres_url, mithril_template, name)
    async with an_api(url, SteppingClock(), **unlimited) as made:
        yield made
    await drop(postgres_url, name)


@pytest.fixture
async def town(mithril_database: str, clock: SteppingClock) -> AsyncIterator["Town"]:
    """The same beside the emulated outside systems. The postman does not run."""
    from tests.integration.mithril_api.town import a_town

    async with a_town(mithril_database, clock) as made:
        yield made
