"""The code-exchange back end, before a web app that shows what reaches it."""

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

import pytest
from aiohttp import ClientPayloadError, web
from aiohttp.test_utils import BaseTestServer, TestServer
from pydantic import ValidationError

from services.gatekeeper.settings import Settings
from tests.integration.gatekeeper.browser import Browser, asked_of
from tests.integration.gatekeeper.conftest import Gate, MakeGate
from tests.integration.gatekeeper.platform import Platform, a_token, away, only
from tests.integration.gatekeeper.values import CLIENT, USER

ISSUER = "https://mithril.test"
ORIGIN = "https://console.test"
SESSION, FLOW = "__Host-gatekeeper", "__Host-gatekeeper-flow"
EVIL = ["//evil.test/", "/%5cevil.test", "/x@evil.test", "/%2fevil.test", "/%252fevil.test"]


def settings(upstream: str, **but: Any) -> dict[str, Any]:
    return {
        "upstream_url": upstream,
        "public_url": ORIGIN,
        "auth_web_url": "https://auth.test",
        "client_id": str(CLIENT),
        "client_secret": "s3cret-of-client",
        "cookie_keys": ("s3cret-cookie-key-1",),
        "issuer": ISSUER,
        "body_limit": 100_000,
        **but,
    }


async def echo(request: web.Request) -> web.StreamResponse:
    """Tell what came."""
    body = await request.read()
    told = {
        "method": request.method,
        "path": request.raw_path,
        "headers": [[name, value] for name, value in request.headers.items()],
        "body": body.decode(),
    }
    answer = web.json_response(told)
    answer.set_cookie("theme", "dark")
    answer.set_cookie(SESSION, "planted")
    answer.headers["Keep-Alive"] = "timeout=5"
    return answer


async def stream(request: web.Request) -> web.StreamResponse:
    """Say the first half, then wait to be told to say the second, or to fall over."""
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"first ")
    how = await request.app[NEXT].get()
    if how == "cut":
        assert request.transport is not None
        request.transport.abort()
        return response
    await response.write(b"second")
    return response


NEXT: web.AppKey[asyncio.Queue[str]] = web.AppKey("next", asyncio.Queue)


@dataclass(frozen=True)
class Console:
    """gatekeeper before a web app, and a browser before gatekeeper."""

    gate: Gate
    browser: Browser
    platform: Platform
    app: web.Application
    upstream: BaseTestServer

    def another_browser(self) -> Browser:
        return Browser(self.gate.public)

    async def begin(
        self, path: str = "/", browser: Browser | None = None
    ) -> dict[str, str]:
        """Go to a page without a session; the parameters of the sign-in."""
        return asked_of(await (browser or self.browser).get(path))

    async def sign_in(self, path: str = "/") -> None:
        asked = await self.begin(path)
        self.platform.codes["code-1"] = {}
        self.platform.tokens["access-1"] = a_token()
        answer = await self.browser.get(back(asked))
        assert answer.status == 303, await answer.text()

    def end_soon(self) -> None:
        """Have access tokens end before the next request."""
        self.platform.expires_at = int(self.gate.clock.now().timestamp()) + 30


def back(asked: dict[str, str], **but: str | None) -> str:
    """The address that auth-web sends a browser to."""
    given = {"code": "code-1", "state": asked["state"], "iss": ISSUER, **but}
    return "/auth/redirect?" + "&".join(f"{n}={v}" for n, v in given.items() if v)


@pytest.fixture
async def console(make_gate: MakeGate, platform: Platform) -> AsyncIterator[Console]:
    app = web.Application()
    app[NEXT] = asyncio.Queue()
    app.router.add_get("/stream", stream)
    app.router.add_route("*", "/{path:.*}", echo)
    async with TestServer(app) as upstream:
        gate = await make_gate(**settings(str(upstream.make_url(""))))
        yield Console(gate, Browser(gate.public), platform, app, upstream)


async def test_a_page_without_a_session_leads_to_the_sign_in(console: Console) -> None:
    answer = await console.browser.get("/users?page=2")
    assert answer.headers["Location"].startswith("https://auth.test/sign-in?")
    asked = asked_of(answer)
    assert asked["client_id"] == str(CLIENT)
    assert asked["redirect_uri"] == f"{ORIGIN}/auth/redirect"
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["state"]) == 48
    assert asked != await console.begin("/users?page=2")
    for cookie in console.browser.told:
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))


async def test_what_a_script_asks_without_a_session_is_refused(console: Console) -> None:
    answer = await console.browser.fetch("/users")
    assert answer.status == 401
    assert (await answer.json())["error"]["type"] == "access_denied"
    assert console.browser.cookies == {}


async def test_a_code_is_exchanged_for_a_session(console: Console) -> None:
    asked = await console.begin("/users?page=2")
    console.platform.codes["code-1"] = {
        "client_id": str(CLIENT),
        "client_secret": "s3cret-of-client",
        "redirect_uri": f"{ORIGIN}/auth/redirect",
    }
    console.platform.tokens["access-1"] = a_token()
    answer = await console.browser.get(back(asked))
    assert (answer.status, answer.headers["Location"]) == (303, "/users?page=2")

    exchanged = [body for path, body in console.platform.asked if path == "/oauth/tokens"]
    verifier = exchanged[0]["token"]["code_verifier"].encode()
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier).digest())
    assert digest.rstrip(b"=").decode() == asked["code_challenge"]

    assert console.browser.cookies.keys() == {SESSION, "meta"}
    meta = json.loads(unquote(console.browser.cookies["meta"]))
    assert meta == {"scope": "user:read", "userId": str(USER)}
    [sealed] = [
        cookie for cookie in console.browser.told if cookie.startswith(f"{SESSION}=")
    ]
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(sealed.split("; "))
    assert "access-1" not in str(console.browser.told)
    assert "refresh-1" not in str(console.browser.told)


async def test_the_web_app_learns_who_it_is_from_gatekeeper_alone(console: Console) -> None:
    await console.sign_in()
    forged = {
        "Authorization": "Bearer forged",
        "X-Consumer-Id": "forged",
        "x_consumer_id": "forged",
        "X-Person-Id": "forged",
        "X-Consumer-Groups": "forged",
        "X-Forwarded-For": "forged",
        "Forwarded": "for=forged",
        "api-key": "forged",
        "X-Service-Authorization": "Bearer forged",
        "Connection": "x-hop",
        "X-Hop": "forged",
        "Cookie": "theme=light",
        "X-Request-ID": "r-1",
        "Sec-Fetch-Site": "same-origin",
    }
    answer = await console.browser.send("POST", "/users?q=%2F", forged, data=b"body")
    told = await answer.json()
    assert (told["method"], told["path"], told["body"]) == ("POST", "/users?q=%2F", "body")
    headers = {name.lower(): value for name, value in told["headers"]}
    assert headers["authorization"] == "Bearer access-1"
    assert headers["x-consumer-id"] == str(USER)
    assert headers["x-person-id"] == ""
    assert headers["cookie"] == "theme=light"
    assert headers["x-forwarded-proto"] == "https"
    assert headers["x-forwarded-host"] == "console.test"
    assert headers["x-request-id"] == answer.headers["X-Request-ID"] == "r-1"
    assert "forged" not in str(told)


async def test_the_web_app_sets_its_own_cookies_and_not_ours(console: Console) -> None:
    await console.sign_in()
    sealed = console.browser.cookies[SESSION]
    answer = await console.browser.get("/")
    assert console.browser.cookies["theme"] == "dark"
    assert console.browser.cookies[SESSION] == sealed
    assert "Keep-Alive" not in answer.headers
    assert answer.headers["Server"] == "mithril"
    assert answer.headers["Cache-Control"] == "no-store"


async def test_bodies_pass_piece_by_piece_both_ways(console: Console) -> None:
    await console.sign_in()
    answer = await console.browser.get("/stream")
    assert await answer.content.readany() == b"first "
    await console.app[NEXT].put("go on")
    assert await answer.content.read() == b"second"


async def test_an_answer_that_is_cut_is_cut_here_as_well(console: Console) -> None:
    await console.sign_in()
    answer = await console.browser.get("/stream")
    assert await answer.content.readany() == b"first "
    await console.app[NEXT].put("cut")
    with pytest.raises(ClientPayloadError):
        await answer.content.read()


async def test_a_body_beyond_the_limit_is_refused(console: Console) -> None:
    await console.sign_in()
    same = {"Sec-Fetch-Site": "same-origin", "Accept": "application/json"}

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b"x" * 10_000

    for data in (b"x" * 100_001, pieces()):
        answer = await console.browser.send("POST", "/users", same, data=data)
        assert answer.status == 413
        assert (await answer.json())["error"]["type"] == "request_too_large"


async def test_a_web_app_that_is_away_is_said_to_be(console: Console) -> None:
    await console.sign_in()
    await console.upstream.close()
    answer = await console.browser.fetch("/users")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    page = await console.browser.get("/users", Accept_Language="en-GB,en")
    assert page.status == 503
    assert "Try again in a moment" in await page.text()


@pytest.mark.parametrize("path", EVIL)
async def test_no_page_leads_to_another_site_after_signing_in(
    console: Console, path: str
) -> None:
    for start in (path, f"/auth/sign-in?return_to={path}"):
        asked = await console.begin(start)
        console.platform.codes["code-1"] = {}
        console.platform.tokens["access-1"] = a_token()
        answer = await console.another_browser().get(back(asked))
        assert answer.status == 403
        answer = await console.browser.get(back(asked))
        assert (answer.status, answer.headers["Location"]) == (303, "/")
        console.browser.cookies.clear()


@pytest.mark.parametrize(
    "address", ["https://evil.test", "javascript:alert(1)", "//evil.test", "\\\\evil.test"]
)
async def test_no_return_to_leads_to_another_site(console: Console, address: str) -> None:
    asked = await console.begin(f"/auth/sign-in?return_to={address}")
    console.platform.codes["code-1"] = {}
    console.platform.tokens["access-1"] = a_token()
    answer = await console.browser.get(back(asked))
    assert answer.headers["Location"] == "/"


@pytest.mark.parametrize(
    ("but", "kind"),
    [
        ({"state": "0" * 48}, "state"),
        ({"state": None}, "state"),
        ({"iss": "https://evil.test"}, "issuer"),
        ({"iss": None}, "issuer"),
        ({"error": "access_denied"}, "declined"),
        ({"code": "unknown"}, "code"),
    ],
)
async def test_what_comes_back_wrong_begins_no_session(
    console: Console, but: dict[str, str | None], kind: str
) -> None:
    asked = await console.begin()
    console.platform.codes["code-1"] = {}
    answer = await console.browser.get(back(asked, **but))
    assert answer.status == 403
    assert SESSION not in console.browser.cookies
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    said = console.gate.built.registry.get_sample_value(
        "mithril_gatekeeper_sessions_total", {"event": "refused"}
    )
    assert said == 1
    assert kind in {"state", "issuer", "declined", "code"}


async def test_without_a_code_there_is_no_session(console: Console) -> None:
    asked = await console.begin()
    assert (await console.browser.get(back(asked, code=None))).status == 400


async def test_a_redirect_works_once(console: Console) -> None:
    asked = await console.begin()
    console.platform.codes["code-1"] = {}
    console.platform.tokens["access-1"] = a_token()
    assert (await console.browser.get(back(asked))).status == 303
    console.platform.codes["code-1"] = {}
    assert (await console.browser.get(back(asked))).status == 403


async def test_a_sign_in_of_another_browser_is_not_finished_here(console: Console) -> None:
    asked = await console.begin(browser=console.another_browser())
    console.platform.codes["code-1"] = {}
    assert (await console.browser.get(back(asked))).status == 403
    assert SESSION not in console.browser.cookies


async def test_a_sign_in_that_took_too_long_is_over(console: Console) -> None:
    asked = await console.begin()
    console.gate.clock.advance(timedelta(seconds=601))
    assert (await console.browser.get(back(asked))).status == 403


async def test_two_tabs_may_sign_in_at_once(console: Console) -> None:
    first, second = await console.begin("/one"), await console.begin("/two")
    for asked, path in ((first, "/one"), (second, "/two")):
        console.platform.codes["code-1"] = {}
        console.platform.tokens["access-1"] = a_token()
        assert (await console.browser.get(back(asked))).headers["Location"] == path


async def test_a_token_that_verify_refuses_begins_no_session(console: Console) -> None:
    asked = await console.begin()
    console.platform.codes["code-1"] = {}
    assert (await console.browser.get(back(asked))).status == 403
    assert SESSION not in console.browser.cookies


async def test_a_mithril_api_that_is_away_begins_no_session(console: Console) -> None:
    asked = await console.begin()
    console.platform.fault = away
    answer = await console.browser.get(back(asked))
    assert answer.status == 503
    assert SESSION not in console.browser.cookies


async def test_a_session_planted_before_signing_in_is_replaced(console: Console) -> None:
    console.browser.cookies[SESSION] = "planted"
    await console.sign_in()
    assert console.browser.cookies[SESSION] != "planted"


async def test_the_cookie_of_another_deployment_is_none(
    console: Console, make_gate: MakeGate
) -> None:
    await console.sign_in()
    upstream = str(console.upstream.make_url(""))
    others = [
        settings(upstream, cookie_keys=("another-cookie-key",)),
        settings(upstream, client_id="another-client"),
        settings(upstream, public_url="https://other.test"),
    ]
    for other in others:
        gate = await make_gate(**other)
        browser = Browser(gate.public, dict(console.browser.cookies))
        assert (await browser.get("/")).status == 302
        assert (await browser.fetch("/")).status == 401


async def test_two_deployments_differ_by_settings_alone(
    console: Console, make_gate: MakeGate
) -> None:
    upstream = str(console.upstream.make_url(""))
    gate = await make_gate(
        **settings(
            upstream,
            public_url="https://admin.test",
            client_id="admin-client",
            session_cookie="__Host-admin",
            meta_cookie="admin-meta",
            start_page="/start",
            sign_in_scope="user:read",
        )
    )
    both = dict(console.browser.cookies)
    browser = Browser(gate.public, both)
    answer = await browser.get("/auth/sign-in")
    asked = asked_of(answer)
    assert asked["client_id"] == "admin-client"
    assert asked["redirect_uri"] == "https://admin.test/auth/redirect"
    assert asked["scope"] == "user:read"
    console.platform.codes["code-1"] = {"client_id": "admin-client"}
    console.platform.tokens["access-1"] = a_token()
    answer = await browser.get(back(asked))
    assert answer.headers["Location"] == "/start"
    assert {"__Host-admin", "admin-meta"} <= browser.cookies.keys()
    await console.sign_in()  # the other one, in the same browser
    assert (await browser.get("/")).status == 200


async def test_a_former_key_still_opens_a_session(
    console: Console, make_gate: MakeGate
) -> None:
    await console.sign_in()
    keys = ("a-new-cookie-key-2", "s3cret-cookie-key-1")
    gate = await make_gate(**settings(str(console.upstream.make_url("")), cookie_keys=keys))
    browser = Browser(gate.public, dict(console.browser.cookies))
    assert (await browser.get("/")).status == 200


async def test_a_session_ends_at_its_end_whatever_is_refreshed(console: Console) -> None:
    await console.sign_in()
    console.gate.clock.advance(timedelta(hours=12))
    assert (await console.browser.get("/")).status == 302


async def test_a_token_is_refreshed_before_it_ends_once_for_all(console: Console) -> None:
    console.end_soon()
    await console.sign_in()
    console.platform.refreshes["refresh-1"] = "access-2"
    console.platform.tokens["access-2"] = a_token()
    console.platform.expires_at = 4_000_000_000
    sealed = console.browser.cookies[SESSION]
    answers = await asyncio.gather(*(console.browser.fetch("/users") for _ in range(5)))
    for answer in answers:
        assert "Bearer access-2" in str((await answer.json())["headers"])
    assert console.platform.count("/oauth/tokens") == 2  # the code, and one refresh
    assert console.browser.cookies[SESSION] != sealed

    late = Browser(console.gate.public, {SESSION: sealed})  # sent before, came after
    assert (await late.fetch("/users")).status == 200
    assert console.platform.count("/oauth/tokens") == 2


async def test_a_session_whose_refresh_is_refused_is_over(console: Console) -> None:
    console.end_soon()
    await console.sign_in()
    answer = await console.browser.fetch("/users")
    assert answer.status == 401
    assert not {SESSION, "meta"} & console.browser.cookies.keys()
    assert (await console.browser.get("/users")).status == 302


async def test_a_token_that_was_revoked_ends_the_session(console: Console) -> None:
    await console.sign_in()
    console.platform.tokens.clear()
    assert (await console.browser.get("/users")).status == 302
    assert SESSION not in console.browser.cookies


async def test_a_token_revoked_alone_is_followed_by_another(console: Console) -> None:
    await console.sign_in()
    console.platform.tokens.clear()
    console.platform.tokens["access-2"] = a_token()
    console.platform.refreshes["refresh-1"] = "access-2"
    answer = await console.browser.fetch("/users")
    assert "Bearer access-2" in str((await answer.json())["headers"])


async def test_a_successor_that_is_refused_too_ends_the_session(console: Console) -> None:
    await console.sign_in()
    console.platform.tokens.clear()
    console.platform.refreshes["refresh-1"] = "access-2"
    assert (await console.browser.fetch("/users")).status == 401
    assert SESSION not in console.browser.cookies


async def test_while_nothing_can_be_refreshed_the_token_is_used_to_its_end(
    console: Console,
) -> None:
    console.end_soon()
    await console.sign_in()
    console.platform.fault = only("/oauth/tokens", away)
    assert (await console.browser.fetch("/users")).status == 200
    console.gate.clock.advance(timedelta(seconds=31))
    assert (await console.browser.fetch("/users")).status == 503
    assert SESSION in console.browser.cookies  # it may be refreshed yet


async def test_while_nothing_can_be_verified_nothing_passes(console: Console) -> None:
    await console.sign_in()
    console.platform.fault = away
    assert (await console.browser.fetch("/users")).status == 503
    console.platform.fault = None
    assert (await console.browser.fetch("/users")).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.test"},
        {"Origin": "null"},
    ],
)
async def test_another_site_changes_nothing_in_a_persons_name(
    console: Console, headers: dict[str, str]
) -> None:
    await console.sign_in()
    for path in ("/users", "/auth/logout"):
        answer = await console.browser.send("POST", path, headers)
        assert answer.status == 403
    assert (await console.browser.fetch("/users")).status == 200


async def test_a_form_sent_without_a_session_is_not_thrown_away(console: Console) -> None:
    headers = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "same-origin"}
    answer = await console.browser.send("POST", "/users", headers, data=b"name=x")
    assert answer.status == 401
    assert 'href="/auth/sign-in" target="_blank"' in await answer.text()


OWN = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "document"}


async def test_signing_out_revokes_and_forgets(console: Console) -> None:
    await console.sign_in()
    console.platform.refreshes["refresh-1"] = "access-2"
    sealed = dict(console.browser.cookies)
    answer = await console.browser.get("/auth/logout", **OWN)
    assert answer.status == 200
    assert answer.headers["Clear-Site-Data"] == '"cache"'
    assert not {SESSION, "meta"} & console.browser.cookies.keys()
    assert "access-1" not in console.platform.tokens

    kept = Browser(console.gate.public, sealed)  # the cookie is worth nothing now
    assert (await kept.fetch("/users")).status == 401


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "iframe"},
        {"Sec-Fetch-Site": "none", "Sec-Purpose": "prefetch"},
    ],
)
async def test_a_link_of_anothers_asks_before_it_signs_out(
    console: Console, headers: dict[str, str]
) -> None:
    await console.sign_in()
    answer = await console.browser.get("/auth/logout", **headers)
    assert '<form method="post" action="/auth/logout">' in await answer.text()
    assert SESSION in console.browser.cookies
    assert "access-1" in console.platform.tokens

    answer = await console.browser.send(
        "POST", "/auth/logout", {"Sec-Fetch-Site": "same-origin", "Origin": ORIGIN}
    )
    assert answer.status == 200
    assert "access-1" not in console.platform.tokens


async def test_signing_out_with_an_ended_token_revokes_what_follows_it(
    console: Console,
) -> None:
    await console.sign_in()
    console.platform.tokens.clear()
    console.platform.tokens["access-2"] = a_token()
    console.platform.refreshes["refresh-1"] = "access-2"
    await console.browser.get("/auth/logout", **OWN)
    assert console.platform.tokens == {}
    assert console.platform.refreshes == {}


async def test_signing_out_twice_or_without_a_session_is_no_error(console: Console) -> None:
    assert (await console.browser.get("/auth/logout", **OWN)).status == 200
    await console.sign_in()
    console.platform.tokens.clear()  # and nothing to refresh it by
    assert (await console.browser.get("/auth/logout", **OWN)).status == 200


async def test_signing_out_while_mithril_api_is_away_says_what_was_not_done(
    console: Console,
) -> None:
    await console.sign_in()
    console.platform.fault = away
    answer = await console.browser.get("/auth/logout", Accept_Language="en", **OWN)
    assert "does not answer" in await answer.text()
    assert SESSION not in console.browser.cookies


async def test_a_page_speaks_ukrainian_unless_asked_for_english(console: Console) -> None:
    for language, said in (
        ("", "Вийти?"),
        ("fr, en;q=0.5", "Sign out?"),
        ("uk,en", "Вийти?"),
    ):
        answer = await console.browser.get("/auth/logout", Accept_Language=language)
        assert said in await answer.text()


@pytest.mark.parametrize(
    "but",
    [
        {"client_id": ""},
        {"client_secret": ""},
        {"cookie_keys": ()},
        {"cookie_keys": ("short",)},
        {"public_url": "https://console.test/app"},
        {"start_page": "//evil.test"},
        {"session_cookie": "plain"},
    ],
)
def test_a_back_end_that_is_not_whole_is_refused_at_start(but: dict[str, Any]) -> None:
    values = settings("http://web.test", **but)
    with pytest.raises(ValidationError):
        Settings(kafka_bootstrap_servers="x:1", **values)
