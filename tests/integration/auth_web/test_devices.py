"""A device's code is typed at our page, and its user answers there."""

from typing import Any

import aiohttp
import pytest
from sqlalchemy import select

from services.mithril_api.domain.grants import DEVICE_CODE
from shared.models.schema import mithril as tables
from tests.pages import Browser, Page
from tests.signing_in import Set


@pytest.fixture(autouse=True)
async def a_device_may_ask(running: Set) -> None:
    settings = {"allowed_grant_types": [DEVICE_CODE]}
    statement = tables.clients.update().where(
        tables.clients.c.id == running.world.client_id
    )
    async with running.api.deps.db.begin() as conn:
        await conn.execute(statement.values(settings=settings))


async def asked(
    running: Set, http: aiohttp.ClientSession, path: str, **form: str
) -> dict[str, Any]:
    given = {
        "client_id": str(running.world.client_id),
        "client_secret": running.world.client_secret,
        **form,
    }
    async with http.post(f"{running.public}/oauth2/{path}", data=given) as answer:
        told: dict[str, Any] = await answer.json()
        return told


async def begun(running: Set, http: aiohttp.ClientSession) -> dict[str, Any]:
    return await asked(running, http, "device_authorization", scope="episode:read")


async def polled(
    running: Set, http: aiohttp.ClientSession, told: dict[str, Any]
) -> dict[str, Any]:
    code = told["device_code"]
    return await asked(running, http, "token", grant_type=DEVICE_CODE, device_code=code)


async def question(browser: Browser, running: Set, code: str) -> Page:
    """The question that comes once the code was typed and its user has signed in."""
    page = await browser.get("/device")
    page = await browser.submit(page, {"user_code": code}, action="/device")
    world = running.world
    return await browser.submit(page, {"email": world.email, "password": world.password})


async def test_a_user_types_the_code_signs_in_and_allows_it(
    browser: Browser, running: Set, http: aiohttp.ClientSession
) -> None:
    told = await begun(running, http)

    page = await question(browser, running, told["user_code"].replace("-", "").lower())
    done = await browser.submit(page, {"answer": "allow"}, action="/device/confirm")

    assert page.path == "/device/confirm"
    assert told["user_code"] in page.text
    assert "Allow it only if you have started this yourself" in page.text
    async with running.api.deps.db.read() as conn:
        c = tables.clients
        mine = select(c.c.name).where(c.c.id == running.world.client_id)
        assert (await conn.execute(mine)).scalar_one() in page.text
    assert done.path == "/device/allowed"
    assert "The device is connected" in done.text
    assert (await polled(running, http, told))["scope"] == "episode:read"


async def test_a_user_who_is_signed_in_is_asked_though_nothing_is_new(
    browser: Browser, running: Set, http: aiohttp.ClientSession
) -> None:
    first, second = await begun(running, http), await begun(running, http)
    page = await question(browser, running, first["user_code"])
    await browser.submit(page, {"answer": "allow"}, action="/device/confirm")

    filled = await browser.get(f"/device?user_code={second['user_code']}")
    again = await browser.submit(filled, action="/device")

    assert filled.form("/device").values["user_code"] == second["user_code"]
    assert (again.path, again.status) == ("/device/confirm", 200)
    assert (await polled(running, http, second))["error"] == "authorization_pending"


async def test_a_user_who_refuses_ends_it(
    browser: Browser, running: Set, http: aiohttp.ClientSession
) -> None:
    told = await begun(running, http)
    page = await question(browser, running, told["user_code"])

    done = await browser.submit(page, {"answer": "deny"}, action="/device/confirm")

    assert "The device was refused" in done.text
    assert (await polled(running, http, told))["error"] == "access_denied"


async def test_a_wrong_code_is_said_at_the_form_which_keeps_it(
    browser: Browser, running: Set
) -> None:
    page = await question(browser, running, "BCDF-GHJK")

    assert page.status == 422
    assert "This code is unknown, was used, or has expired" in page.alert
    assert page.form("/device").values["user_code"] == "BCDF-GHJK"


@pytest.mark.parametrize("typed", ["", "X" * 33])
async def test_what_cannot_be_a_code_is_said_before_anybody_signs_in(
    browser: Browser, typed: str
) -> None:
    page = await browser.get("/device")

    page = await browser.submit(page, {"user_code": typed}, action="/device")

    assert (page.status, page.path) == (422, "/device")


async def test_an_answer_of_another_page_is_not_taken(
    browser: Browser, running: Set, http: aiohttp.ClientSession
) -> None:
    told = await begun(running, http)
    page = await question(browser, running, told["user_code"])

    stale = {"answer": "allow", "csrf": "made up"}
    again = await browser.submit(page, stale, action="/device/confirm")

    assert again.status == 403
    assert (await polled(running, http, told))["error"] == "authorization_pending"


async def test_whoever_guesses_codes_is_stopped(browser: Browser, running: Set) -> None:
    page = await question(browser, running, "BCDF-GHJK")
    for _ in range(20):
        page = await browser.submit(page, {"user_code": "BCDF-GHJK"}, action="/device")

    assert page.status == 429
    assert "Too many attempts" in page.alert
    assert int(page.headers["Retry-After"]) > 0


async def test_a_ukrainian_reads_it_in_ukrainian(
    browser: Browser, running: Set, http: aiohttp.ClientSession
) -> None:
    told = await begun(running, http)
    browser.headers["Accept-Language"] = "uk"

    page = await question(browser, running, told["user_code"])

    assert page.lang == "uk"
    assert "Дозволити пристрою доступ?" in page.text
