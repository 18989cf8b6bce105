"""The forms with a captcha, in a real Chromium; the widget is the emulators'."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, expect

from shared.runtime.embedded import free_port
from tests.browser.conftest import Client
from tests.fakes import SteppingClock
from tests.signing_in import Set, started


@pytest.fixture
async def guarded(
    mithril_database: str, clock: SteppingClock, client: Client
) -> AsyncIterator[Set]:
    port = free_port()
    async with started(
        mithril_database, clock, redirect_uri=client.url, port=port, captcha=True
    ) as made:
        made.url = f"http://localhost:{port}"
        yield made


async def _fill(page: Page, guarded: Set, path: str, button: str) -> None:
    await page.goto(f"{guarded.url}{path}?{guarded.query()}")
    await expect(page.get_by_role("group", name="reCAPTCHA")).to_contain_text("emulated")
    await page.get_by_label("E-mail").fill(guarded.world.email)
    await page.get_by_label("assword").fill(guarded.world.password)
    await page.get_by_role("button", name=button).click()


async def test_the_widget_works_under_the_policy_of_its_pages(
    page: Page, guarded: Set, client: Client
) -> None:
    await _fill(page, guarded, "/update-password", "Continue")
    await expect(page.get_by_role("heading", name="New password")).to_be_visible()
    await _fill(page, guarded, "/sign-in", "Sign in")
    await expect(page.get_by_role("heading", name="Welcome back")).to_be_visible()
    assert client.came[0]["code"]


async def test_without_a_script_the_page_says_why_it_cannot_go_on(
    chromium: Browser, guarded: Set
) -> None:
    context = await chromium.new_context(locale="en-GB", java_script_enabled=False)
    page = await context.new_page()
    await page.goto(f"{guarded.url}/sign-in?{guarded.query()}")
    await expect(page.locator("noscript p")).to_be_visible()
    await page.get_by_label("E-mail").fill(guarded.world.email)
    await page.get_by_label("Password").fill(guarded.world.password)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_text("Confirm that you are no robot.")).to_be_visible()
    await expect(page.get_by_role("group", name="reCAPTCHA")).to_be_focused()
    await context.close()
