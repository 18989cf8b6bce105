"""auth-web before a real mithril-api, in one loop, and the outside systems emulated."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.fakes import SteppingClock
from tests.pages import Browser
from tests.signing_in import Set, started


@pytest.fixture
def clock() -> SteppingClock:
    return SteppingClock()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


@pytest.fixture
async def running(mithril_database: str, clock: SteppingClock) -> AsyncIterator[Set]:
    """Everything that a sign-in needs."""
    async with started(mithril_database, clock) as made:
        yield made


@pytest.fixture
def browser(running: Set, http: aiohttp.ClientSession) -> Browser:
    return Browser(http, running.url)


@pytest.fixture
def other_browser(running: Set, http: aiohttp.ClientSession) -> Any:
    return lambda: Browser(http, running.url)
