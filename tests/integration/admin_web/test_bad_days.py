"""Forged and stale forms; neighbours that are away, slow, or talk nonsense."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import BaseTestServer, TestServer

from tests.console import NOWHERE, Console, started
from tests.integration.admin_web.conftest import Databases
from tests.pages import Browser


async def test_a_form_of_another_site_changes_nothing(
    console: Console, browser: Browser
) -> None:
    path = f"/users/{console.world.user_id}/block"
    page = await browser.get(path)
    for site in ("cross-site", "same-site"):
        answer = await browser.submit(
            page,
            {"block_reason": "x"},
            action=path,
            headers={"Sec-Fetch-Site": site},
        )
        assert answer.status == 403
        assert "Only forms of this console are taken" in answer.text
    assert await console.events("mithril.user.blocked.v1") == []


@pytest.mark.parametrize("token", ["", "0" * 32, "щось"])
async def test_a_forged_token_changes_nothing_and_loses_nothing_typed(
    console: Console, browser: Browser, token: str
) -> None:
    path = f"/users/{console.world.user_id}/block"
    page = await browser.get(path)
    answer = await browser.submit(
        page, {"block_reason": "typed", "csrf": token}, action=path
    )
    assert answer.status == 403
    assert answer.form(path).values["block_reason"] == "typed"
    assert await console.events("mithril.user.blocked.v1") == []


async def test_a_form_that_was_open_for_too_long_is_shown_again(
    console: Console, browser: Browser
) -> None:
    path = f"/users/{console.world.user_id}/block"
    page = await browser.get(path)
    console.clock.advance(timedelta(hours=9))
    browser.headers |= await console.bearer()

    stale = await browser.submit(page, {"block_reason": "typed"}, action=path)
    assert stale.status == 403
    assert "open for too long" in stale.alert
    done = await browser.submit(stale, action=path)

    assert "Blocked: typed" in done.text


async def test_a_body_that_is_no_form_is_refused(
    console: Console, browser: Browser, http: aiohttp.ClientSession
) -> None:
    url = f"{console.url}/users/{console.world.user_id}/block"
    headers = await console.bearer()
    for data, kind in ((b"{}", "application/json"), (b"\xff=\xff", None)):
        given = {"Content-Type": kind or "application/x-www-form-urlencoded"}
        async with http.post(url, data=data, headers=headers | given) as answer:
            assert answer.status in {400, 403, 415}
            assert "text/html" in answer.headers["Content-Type"]
    async with http.post(
        url,
        data=b"a=" + b"x" * 100_000,
        headers=headers | {"Content-Type": "application/x-www-form-urlencoded"},
    ) as answer:
        assert answer.status == 413


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("mithril-scheduler", "/jobs"),
        ("abac-log-consumer", "/audit"),
        ("abac-log-consumer", "/audit/export?format=csv"),
        ("mithril-api", "/users"),
    ],
)
async def test_a_neighbour_that_is_away_is_named(
    console: Console, browser: Browser, name: str, path: str
) -> None:
    await console.servers[name].close()
    page = await browser.get(path)
    assert page.status == 503
    assert f"No answer from {name}." in page.text
    assert "Traceback" not in page.body


async def test_the_other_pages_go_on_while_one_neighbour_is_away(
    console: Console, browser: Browser
) -> None:
    await console.servers["abac-log-consumer"].close()
    assert (await browser.get("/users")).status == 200
    assert (await browser.get("/queues")).status == 200


@pytest.fixture
async def odd(http: aiohttp.ClientSession) -> AsyncIterator[BaseTestServer]:
    """A neighbour that never answers, answers nonsense, cuts off, or without end."""

    async def answer(request: web.Request) -> web.StreamResponse:
        match request.query.get("user_id"):
            case "slow":
                await asyncio.Event().wait()
            case "nonsense":
                return web.Response(text="<html>", status=200)
            case "broken":
                return web.json_response({"error": {}}, status=500)
            case "huge":
                return web.Response(body=b"x" * (9 * 1024 * 1024))
            case _:
                pass
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    app = web.Application()
    app.router.add_get("/{tail:.*}", answer)
    async with TestServer(app) as server:
        yield server


@pytest.mark.parametrize("how", ["slow", "nonsense", "broken", "huge", "cut"])
async def test_a_neighbour_that_does_not_answer_as_it_should_has_a_deadline_and_a_page(
    databases: Databases,
    odd: BaseTestServer,
    http: aiohttp.ClientSession,
    how: str,
) -> None:
    settings: dict[str, Any] = {"audit_url": str(odd.make_url("/")), "peer_seconds": 0.3}
    async with started(*databases, **settings) as console:
        browser = Browser(http, console.url)
        browser.headers |= await console.bearer()
        page = await browser.get(f"/audit/queries?user_id={how}")
    assert page.status == 503
    assert "No answer from abac-log-consumer." in page.text


async def test_nobody_can_be_verified_while_mithril_api_is_away(
    databases: Databases, http: aiohttp.ClientSession
) -> None:
    async with started(*databases, mithril_api_url=NOWHERE) as console:
        browser = Browser(http, console.url)
        browser.headers |= await console.bearer()
        page = await browser.get("/")
    assert page.status == 503
    assert "No answer from mithril-api." in page.text


async def test_an_address_that_is_none_is_a_page(browser: Browser) -> None:
    for path in ("/nothing", "/static/console.css", "/users/%00", "//evil.test"):
        assert (await browser.get(path)).status in {400, 404}
    page = await browser.get("/users/x/block/again")
    assert "Nothing is here" in page.text
