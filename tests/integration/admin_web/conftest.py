"""The console before real services, and an operator's browser without a screen."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeAlias

import aiohttp
import pytest

from tests.console import EVERYTHING, Console, started
from tests.fakes import SteppingClock
from tests.pages import Browser

Databases: TypeAlias = tuple[str, str, SteppingClock]
Opened: TypeAlias = Callable[..., Awaitable[Browser]]


@pytest.fixture
def clock() -> SteppingClock:
    return SteppingClock()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


@pytest.fixture
def databases(
    mithril_database: str, audit_database: str, clock: SteppingClock
) -> Databases:
    """What `started` needs."""
    return mithril_database, audit_database, clock


@pytest.fixture
async def console(databases: Databases) -> AsyncIterator[Console]:
    async with started(*databases) as made:
        yield made


@pytest.fixture
def browser_with(console: Console, http: aiohttp.ClientSession) -> Opened:
    """Open a browser whose user has just these scopes."""

    async def opened(*scope: str) -> Browser:
        browser = Browser(http, console.url)
        browser.headers |= await console.bearer(scope)
        return browser

    return opened


@pytest.fixture
async def browser(browser_with: Opened) -> Browser:
    """An operator who may do everything."""
    return await browser_with(*EVERYTHING)
