"""Where the Chromium of this machine is."""

import os
import shutil
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, async_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium_path() -> str | None:
    """The one that `MITHRIL_TEST_CHROMIUM` names, else the first on the path."""
    named = os.environ.get("MITHRIL_TEST_CHROMIUM")
    return named or next(filter(None, map(shutil.which, _NAMES)), None)


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    path = chromium_path()
    if path is None:
        pytest.fail(
            "no Chromium: install package `chromium` or set MITHRIL_TEST_CHROMIUM",
            pytrace=False,
        )
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        await browser.close()
