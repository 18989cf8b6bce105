"""A real Chromium before auth-web and mithril-api, all in one loop.

Chromium is the one of the machine (`apt install chromium`), or the one that
`MITHRIL_TEST_CHROMIUM` names. Playwright only drives it.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, BrowserContext, Page

from shared.runtime.embedded import free_port
from tests.chromium import chromium
from tests.fakes import SteppingClock
from tests.integration.conftest import mithril_database, mithril_template
from tests.signing_in import Set, started

__all__ = ["chromium", "mithril_database", "mithril_template"]  # fixtures that ours ask for


@dataclass(kw_only=True)
class Client:
    """The application that a user signs in to: it keeps what comes back."""

    url: str = ""
    came: list[dict[str, str]] = field(default_factory=list)


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    """Listen for the browser's return."""
    made = Client()

    async def callback(request: web.Request) -> web.Response:
        made.came.append(dict(request.query))
        page = "<!doctype html><title>Clinic</title><h1>Welcome back</h1>"
        return web.Response(text=page, content_type="text/html")

    app = web.Application()
    app.router.add_get("/callback", callback)
    async with TestServer(app) as server:
        made.url = str(server.make_url("/callback"))
        yield made


@pytest.fixture
def clock() -> SteppingClock:
    return SteppingClock()


@pytest.fixture
async def running(
    mithril_database: str, clock: SteppingClock, client: Client
) -> AsyncIterator[Set]:
    """The set, at an address that passkeys may belong to."""
    port = free_port()
    async with started(mithril_database, clock, redirect_uri=client.url, port=port) as made:
        made.url = f"http://localhost:{port}"
        await made.forget_consents()
        yield made


@pytest.fixture
async def context(chromium: Browser) -> AsyncIterator[BrowserContext]:
    made = await chromium.new_context(locale="en-GB")
    yield made
    await made.close()


@pytest.fixture
async def page(context: BrowserContext) -> AsyncIterator[Page]:
    """A tab in which nothing may be complained of: no error, no breach of the policy."""
    complaints: list[str] = []
    made = await context.new_page()
    made.set_default_timeout(10_000)
    made.on("pageerror", lambda error: complaints.append(str(error)))

    def heard(message: object) -> None:
        kind, text = getattr(message, "type", ""), getattr(message, "text", "")
        # A refused form is answered 4xx, which Chromium logs as a failed load.
        if kind in {"error", "warning"} and "Failed to load resource" not in text:
            complaints.append(text)

    made.on("console", heard)
    yield made
    assert complaints == []
