"""Who sees what: a verified bearer, and what its scope allows."""

from uuid import uuid4

import aiohttp
import pytest

from services.admin_web.domain.menu import SECTIONS
from tests.console import EVERYTHING, Console
from tests.integration.admin_web.conftest import Opened
from tests.pages import Browser

FREE = {"/", "/language", "/static/{name}"}


def paths(console: Console) -> list[tuple[str, str]]:
    """Every page and every form's address, ids filled in."""
    found = []
    for route in console.built.public.router.routes():
        path = route.resource.canonical if route.resource is not None else ""
        if path in FREE or route.method == "HEAD":
            continue
        for name in ("id", "connection_id", "factor_id", "client_id", "granted_id"):
            path = path.replace(f"{{{name}}}", str(uuid4()))
        path = path.replace("{action}", "reset").replace("{name}", "purge-tokens")
        found.append((route.method, path))
    return found


async def test_nobody_comes_in_but_through_the_gatekeeper(
    console: Console, http: aiohttp.ClientSession
) -> None:
    browser = Browser(http, console.url)
    browser.headers |= {
        "X-Consumer-Id": str(console.operator_id),
        "X-Consumer-Scope": " ".join(EVERYTHING),
    }
    for path in ("/", "/users", "/audit"):
        page = await browser.get(path)
        assert page.status == 401
        assert "through the gatekeeper" in page.text


@pytest.mark.parametrize("value", ["x" * 32, "..", "a/../b", "%00", "щось"])
async def test_a_bearer_that_is_none_is_a_session_that_is_over(
    console: Console, http: aiohttp.ClientSession, value: str
) -> None:
    browser = Browser(http, console.url)
    browser.headers["Authorization"] = f"Bearer {value}"
    page = await browser.get("/users")
    assert (page.status, page.title) == (401, "Your session is over — Mithril console")


async def test_no_page_and_no_form_is_open_to_whom_its_scope_is_not_given(
    console: Console, browser_with: Opened
) -> None:
    browser = await browser_with("app:authorize")
    asked = paths(console)
    assert len(asked) > 60
    for method, path in asked:
        answer = await browser._send(method, path, {} if method == "POST" else None, {})
        assert answer.status == 403, (method, path)
        assert "Your access lacks the scope" in answer.text


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.title)
async def test_the_menu_shows_the_sections_that_the_scope_allows(
    browser_with: Opened, section: object
) -> None:
    scope = section.scope  # type: ignore[attr-defined]  # a `Section`
    browser = await browser_with(scope)

    page = await browser.get("/")

    wanted = {item.path for item in SECTIONS if item.scope == scope}
    all_paths = {item.path for item in SECTIONS}
    assert {link for link in page.links if link in all_paths} == wanted


async def test_without_any_scope_of_ours_the_page_says_so(browser_with: Opened) -> None:
    page = await (await browser_with("app:authorize")).get("/")
    assert page.status == 200
    assert "allows nothing that this console shows" in page.text


async def test_buttons_are_there_for_whom_they_work(
    console: Console, browser: Browser, browser_with: Opened
) -> None:
    path = f"/users/{console.world.user_id}"
    reader = await browser_with("user:read")

    all_of_it, less = await browser.get(path), await reader.get(path)

    assert {f"{path}/block", f"{path}/sessions/end", f"{path}/roles/grant"} <= set(
        all_of_it.links
    )
    assert [link for link in less.links if link.startswith(f"{path}/")] == []
    assert "Second factors" not in less.text


async def test_every_page_is_sent_under_a_strict_policy_and_is_not_kept(
    browser: Browser,
) -> None:
    page = await browser.get("/audit")
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["Cache-Control"] == "no-store"
    assert " style=" not in page.body
    assert "<script" not in page.body


async def test_pages_speak_the_browsers_language_until_another_is_chosen(
    browser: Browser,
) -> None:
    browser.headers["Accept-Language"] = "de, uk;q=0.9, en;q=0.5"
    page = await browser.get("/users")
    assert (page.lang, page.title) == ("uk", "Користувачі — Консоль Mithril")

    page = await browser.submit(page, {"language": "en"}, action="/language")

    assert (page.path, page.lang) == ("/users", "en")
    assert (await browser.get("/clients")).lang == "en"


@pytest.mark.parametrize(
    "back", ["//evil.test", "/\\evil.test", "https://evil.test/", "javascript:1", ""]
)
async def test_choosing_a_language_leads_nowhere_else(browser: Browser, back: str) -> None:
    page = await browser.get("/")
    answer = await browser.submit(
        page, {"language": "uk", "back": back}, action="/language", follow=False
    )
    assert (answer.status, answer.location) == (303, "/")
