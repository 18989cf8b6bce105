"""`/docs` of mithril-api in a real Chromium: what it shows is tried, and answers."""

import json
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Page, expect

from services.mithril_api.app import Built, build
from tests.builders import a_world
from tests.integration.mithril_api.conftest import settings_for


@pytest.fixture
async def built(mithril_database: str) -> AsyncIterator[Built]:
    made = build(settings_for(mithril_database))
    yield made
    await made.deps.db.dispose()
    made.deps.passwords.close()


async def test_a_refresh_is_tried_on_the_page_and_answers_201(
    chromium: Browser, built: Built
) -> None:
    world = await a_world(built.deps)
    page = await chromium.new_page()
    asked, refused = _watched(page)
    async with TestServer(built.public) as server:
        await page.goto(str(server.make_url("/docs")))
        operation = page.locator("#operations-Tokens-postOauthTokens")
        await operation.get_by_role("button").first.click()
        await operation.get_by_role("button", name="Try it out").click()
        await operation.locator("textarea").fill(json.dumps(world.refresh_body()))
        await operation.get_by_role("button", name="Execute").click()
        status = operation.locator(".live-responses-table .response-col_status").nth(1)
        await expect(status).to_contain_text("201")

        assert {urlsplit(url).netloc for url in asked} == {f"127.0.0.1:{server.port}"}
    assert refused == []
    await page.close()


def _watched(page: Page) -> tuple[list[str], list[str]]:
    """What the page asks for, and what its policy refuses it."""
    asked: list[str] = []
    refused: list[str] = []

    def told(text: str) -> None:
        if "Content Security Policy" in text:
            refused.append(text)

    page.on(
        "request",
        lambda request: (
            None if request.url.startswith("data:") else asked.append(request.url)
        ),
    )
    page.on("console", lambda message: told(message.text))
    return asked, refused
