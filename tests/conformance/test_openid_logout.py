"""RP-Initiated Logout 1.0 and Back-Channel Logout 1.0, as their test plans ask them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from joserfc import jws as joserfc_jws

from tests.conformance.suite import Client, Suite
from tests.pages import Browser, Page

pytestmark = pytest.mark.asyncio(loop_scope="module")
BYE = "https://rp.test/bye"
EVENT = "http://schemas.openid.net/event/backchannel-logout"


@dataclass(kw_only=True)
class Visit:
    """A user who is signed in at a client."""

    client: Client
    browser: Browser
    id_token: str = field(repr=False)


@pytest_asyncio.fixture(loop_scope="module")
async def visit(suite: Suite) -> Visit:
    return await signed_in(suite)


async def signed_in(suite: Suite, **settings: Any) -> Visit:
    client = await suite.client(post_logout_redirect_uris=[BYE], **settings)
    browser = suite.browser()
    found = await suite.exchange(client, (await suite.authorize(client, browser)).code)
    return Visit(client=client, browser=browser, id_token=found.body["id_token"])


async def sent(suite: Suite, browser: Browser, by: str = "GET", **asked: str) -> Page | int:
    """The page that asks whether to sign out; its status, where there is none."""
    how = {"params": asked} if by == "GET" else {"data": asked}
    begun = await suite.ask(by, "/oauth2/logout", **how)
    if begun.status != 303:
        return begun.status
    target = urlsplit(begun.headers["Location"])
    return await browser.get(f"{target.path}?{target.query}")


async def signed_out(suite: Suite, browser: Browser, by: str = "GET", **asked: str) -> Page:
    page = await sent(suite, browser, by, **asked)
    assert isinstance(page, Page), page
    return await browser.submit(page, action="/sign-out")


class TestByTheClient:
    """oidcc-rp-initiated-logout-*."""

    @pytest.mark.parametrize("by", ["GET", "POST"])
    async def test_2_it_ends_the_session_and_comes_back_with_state(
        self, suite: Suite, visit: Visit, by: str
    ) -> None:
        page = await signed_out(
            suite,
            visit.browser,
            by,
            id_token_hint=visit.id_token,
            post_logout_redirect_uri=BYE,
            state="a&b",
        )
        after = await suite.authorize(visit.client, visit.browser, prompt="none")

        assert page.location == f"{BYE}?state=a%26b"
        assert after.error == "login_required"

    async def test_2_without_state_none_comes_back(
        self, suite: Suite, visit: Visit
    ) -> None:
        asked = {"id_token_hint": visit.id_token, "post_logout_redirect_uri": BYE}

        assert (await signed_out(suite, visit.browser, **asked)).location == BYE

    async def test_2_without_a_place_to_go_to_it_shows_a_page(
        self, suite: Suite, visit: Visit
    ) -> None:
        page = await signed_out(suite, visit.browser, id_token_hint=visit.id_token)
        after = await suite.authorize(visit.client, visit.browser, prompt="none")

        assert "rp.test" not in page.location
        assert after.error == "login_required"

    async def test_2_without_anything_it_asks(self, suite: Suite, visit: Visit) -> None:
        page = await sent(suite, visit.browser)

        assert isinstance(page, Page)
        assert page.status == 200

    async def test_4_an_expired_hint_will_do(self, suite: Suite, visit: Visit) -> None:
        suite.pass_time(3 * 3600)
        asked = {"id_token_hint": visit.id_token, "post_logout_redirect_uri": BYE}

        page = await sent(suite, visit.browser, **asked)

        assert isinstance(page, Page)
        assert page.status in {200, 303}

    @pytest.mark.parametrize(
        "but",
        [
            {"post_logout_redirect_uri": "https://evil.test/"},
            {"post_logout_redirect_uri": f"{BYE}?foo=bar"},
            {"id_token_hint": "tampered"},
            {"id_token_hint": ""},
            {"client_id": "11111111-1111-4111-8111-111111111111"},
        ],
        ids=str,
    )
    async def test_3_nobody_is_led_where_the_client_is_not_known_to_be(
        self, suite: Suite, visit: Visit, but: dict[str, str]
    ) -> None:
        asked = {
            "id_token_hint": visit.id_token,
            "post_logout_redirect_uri": BYE,
            **but,
        }
        if asked["id_token_hint"] == "tampered":
            head, _, tail = visit.id_token.split(".")
            asked["id_token_hint"] = f"{head}.e30.{tail}"

        assert await sent(suite, visit.browser, **asked) == 400


@dataclass(kw_only=True)
class Listening:
    """A client's own server."""

    url: str
    heard: list[str]


@pytest_asyncio.fixture(loop_scope="module")
async def listening() -> AsyncIterator[Listening]:
    heard: list[str] = []

    async def take(request: web.Request) -> web.Response:
        heard.append(str((await request.post())["logout_token"]))
        return web.Response()

    app = web.Application()
    app.router.add_post("/logout", take)
    async with TestServer(app) as server:
        yield Listening(url=str(server.make_url("/logout")), heard=heard)


class TestBackChannel:
    """oidcc-backchannel-rp-initiated-logout."""

    async def test_2_4_a_client_hears_of_it_by_a_logout_token(
        self, suite: Suite, listening: Listening
    ) -> None:
        visit = await signed_in(suite, backchannel_logout_uri=listening.url)
        known = await suite.claims(visit.client, visit.id_token)
        asked = {"id_token_hint": visit.id_token, "post_logout_redirect_uri": BYE}

        await signed_out(suite, visit.browser, **asked)
        await suite.deliver_logouts()

        (token,) = listening.heard
        claims = await suite.claims(visit.client, token)
        assert joserfc_jws.extract_compact(token.encode()).headers()["typ"] == "logout+jwt"
        assert claims["events"] == {EVENT: {}}
        assert (claims["sid"], claims["sub"]) == (known["sid"], known["sub"])
        assert claims["jti"]
        assert "nonce" not in claims
        assert claims["exp"] - claims["iat"] <= 120
