"""mithril-scheduler on a database of its own a test, beside mithril-api on the same one."""

from collections.abc import AsyncIterator

import pytest

from services.mithril_api import app as api_composition
from services.mithril_api.settings import Settings as ApiSettings
from tests.fakes import SteppingClock
from tests.integration.scheduler.office import Office


@pytest.fixture
def clock() -> SteppingClock:
    return SteppingClock()


@pytest.fixture
async def office(
    mithril_database: str, clock: SteppingClock, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Office]:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    settings = ApiSettings(
        database_url=mithril_database,
        secret_keys=("key-for-tests-0123456789",),
        password_memory_kib=64,
        password_passes=1,
    )
    api = api_composition.build(settings, clock=clock)
    office = Office(url=mithril_database, clock=clock, api=api.deps, replicas=[])
    yield office
    for replica in office.replicas:
        await replica.deps.db.dispose()
    await api.deps.db.dispose()
    api.deps.passwords.close()
