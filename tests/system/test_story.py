"""The whole set in a browser: a doctor signs in, is blocked, and an auditor finds it all."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Browser, Page, expect

from tests.system.sets import Up

_SECONDS = 30_000


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def _person(chromium: Browser) -> Page:
    """Somebody with a browser of their own."""
    context = await chromium.new_context(locale="en-GB")
    page = await context.new_page()
    page.set_default_timeout(_SECONDS)
    expect.set_options(timeout=_SECONDS)
    return page


async def _sign_in(page: Page, demo: dict[str, str], who: str) -> None:
    await page.get_by_label("E-mail").fill(demo[f"{who}_email"])
    await page.get_by_label("Password").fill(demo[f"{who}_password"])
    await page.get_by_role("button", name="Sign in").click()


async def _code(http: aiohttp.ClientSession, outbox: str, phone: str) -> str:
    async with http.get(f"{outbox}/outbox.json") as answer:
        [sent] = [item for item in await answer.json() if item["to"] == phone]
    found = re.search(r"\d{4,}", sent["body"])
    assert found is not None
    return found[0]


class _Doctor:
    """The doctor's application, at the gate."""

    def __init__(
        self, http: aiohttp.ClientSession, endpoints: dict[str, Any], token: str
    ) -> None:
        self._http = http
        self._gate = endpoints["services"]["gatekeeper"]["public"] + "/verify"
        self._headers = {
            "Authorization": f"Bearer {token}",
            "api-key": endpoints["demo"]["mis_api_key"],
            "X-Original-Method": "GET",
        }

    async def calls(self, path: str) -> int:
        """What the gate answers."""
        headers = {**self._headers, "X-Original-URI": path}
        async with self._http.get(self._gate, headers=headers) as answer:
            return answer.status


async def test_a_doctor_signs_in_an_administrator_blocks_them_and_an_auditor_finds_it_all(
    up: Up, http: aiohttp.ClientSession, chromium: Browser
) -> None:
    endpoints = await up.start()
    demo, services = endpoints["demo"], endpoints["services"]
    emulators, console = endpoints["emulators"]["public"], services["gatekeeper"]["public"]

    page = await _person(chromium)
    await page.goto(f"{emulators}/client")
    await page.locator("a[href*=sign-in]").first.click()
    await _sign_in(page, demo, "two_factor")
    await expect(page.get_by_label("code")).to_be_visible()
    await page.get_by_label("code").fill(
        await _code(http, emulators, demo["two_factor_phone"])
    )
    await page.locator("main form button").first.click()
    await expect(page.get_by_text("Demo clinic").first).to_be_visible()
    await page.locator("main form button").first.click()  # the consent
    await page.wait_for_url(f"{emulators}/client/callback?*")
    await page.locator("form button").first.click()  # exchange the code
    shown = await page.inner_text("main")
    token = re.search(r'"value":\s*"(mth[0-9A-Za-z]{29})"', shown)
    assert token is not None, shown
    doctor = _Doctor(http, endpoints, token[1])
    assert await doctor.calls("/oauth/users") == 200
    assert await doctor.calls(f"/api/patients/{demo['patient_id']}/episodes") == 403

    admin = await _person(chromium)
    await admin.goto(f"{console}/users?email={demo['two_factor_email']}")
    await _sign_in(admin, demo, "admin")
    await admin.get_by_role("link", name=demo["two_factor_email"]).click()
    doctor_id = admin.url.rpartition("/")[2]
    await admin.get_by_role("link", name="Block", exact=True).click()
    await admin.get_by_label("Reason").fill("lost laptop")
    await admin.get_by_role("button", name="Block the account").click()
    await expect(admin.get_by_role("status")).to_have_text("The account is blocked.")
    await _until_refused(doctor)

    auditor = await _person(chromium)
    await auditor.goto(f"{console}/audit/accounts?user_id={doctor_id}")
    await _sign_in(auditor, demo, "auditor")
    blocked = auditor.get_by_role("row").filter(has_text="mithril.user.blocked.v1")
    await expect(blocked).to_have_count(1)
    await auditor.goto(f"{console}/audit?user_id={doctor_id}&result=false")
    await expect(
        auditor.get_by_role("row").filter(has_text="no_rule_matched")
    ).to_have_count(1)
    await auditor.goto(f"{console}/audit/integrity")
    await expect(auditor.get_by_text("Complete", exact=False).first).to_be_visible()


async def _until_refused(doctor: _Doctor) -> None:
    """Come again until the gate says no; `make bench` measures how soon it does."""
    async with asyncio.timeout(10):
        while await doctor.calls("/oauth/users") != 401:
            pass
