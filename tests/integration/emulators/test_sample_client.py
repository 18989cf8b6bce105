"""The sample client starts a sign-in, takes the code, and exchanges it."""

import base64
import hashlib
import html
import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.integration.emulators.conftest import Emulators

CLIENT = "00000000-0000-0000-0000-00000000000c"


@pytest.fixture
async def exchanges(emulators: Emulators) -> AsyncIterator[list[dict[str, Any]]]:
    """Tell the emulators who the sample client is; what it asks a token endpoint for."""
    asked: list[dict[str, Any]] = []

    async def post(request: web.Request) -> web.Response:
        asked.append((await request.json())["token"])
        return web.json_response({"data": {"value": "<token>"}}, status=201)

    app = web.Application()
    app.router.add_post("/oauth/tokens", post)
    async with TestServer(app) as server:
        client = {
            "client_id": CLIENT,
            "client_secret": "its-secret",
            "redirect_uri": "http://127.0.0.1:8087/client/callback",
            "scope": "episode:read person:read",
            "sign_in_url": "http://localhost:8085/sign-in",
            "token_url": str(server.make_url("/oauth/tokens")),
        }
        answer = await emulators.internal.put("/client", json=client)
        assert answer.status == 200
        assert "its-secret" not in await answer.text()
        yield asked


async def started(emulators: Emulators) -> dict[str, str]:
    """The query with which the page sends a person to sign in."""
    text = await (await emulators.public.get("/client")).text()
    [address] = re.findall(r'class="button" href="([^"]+)"', text)
    assert "its-secret" not in text
    query = parse_qs(urlsplit(html.unescape(address)).query)
    return {name: values[0] for name, values in query.items()}


async def exchange(emulators: Emulators, page: str) -> tuple[int, str]:
    """Press the button of the page that shows the code."""
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page))
    answer = await emulators.public.post("/client/exchange", data=fields)
    return answer.status, await answer.text()


async def test_a_sign_in_goes_there_and_back_and_ends_with_tokens(
    emulators: Emulators, exchanges: list[dict[str, Any]]
) -> None:
    query = await started(emulators)
    back = await emulators.public.get(
        "/client/callback", params={"code": "the-code", "state": query["state"]}
    )
    page = await back.text()
    status, shown = await exchange(emulators, page)

    assert query["client_id"] == CLIENT
    assert query["scope"] == "episode:read person:read"
    assert "the-code" in page
    assert "warning" not in page
    assert (status, "&lt;token&gt;" in shown) == (200, True)
    [asked] = exchanges
    verifier = asked.pop("code_verifier")
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
    assert query["code_challenge"] == challenge.rstrip(b"=").decode()
    assert asked == {
        "grant_type": "authorization_code",
        "client_id": CLIENT,
        "client_secret": "its-secret",
        "code": "the-code",
        "redirect_uri": "http://127.0.0.1:8087/client/callback",
    }


async def test_a_sign_in_that_did_not_start_in_this_browser_is_warned_of(
    emulators: Emulators, exchanges: list[dict[str, Any]]
) -> None:
    state = (await started(emulators))["state"]
    emulators.public.session.cookie_jar.clear()

    answer = await emulators.public.get(
        "/client/callback", params={"code": "the-code", "state": state}
    )
    page = await answer.text()
    await exchange(emulators, page)

    assert 'class="warning"' in page
    assert "code_verifier" not in exchanges[0]


async def test_a_state_counts_once(
    emulators: Emulators, exchanges: list[dict[str, Any]]
) -> None:
    state = (await started(emulators))["state"]
    params = {"code": "the-code", "state": state}
    page = await (await emulators.public.get("/client/callback", params=params)).text()
    await exchange(emulators, page)

    again = await emulators.public.get("/client/callback", params=params)

    assert 'class="warning"' in await again.text()


@pytest.mark.usefixtures("exchanges")
@pytest.mark.parametrize(
    ("query", "text"),
    [
        ({"error": "access_denied", "error_description": "<i>no</i>"}, "&lt;i&gt;no"),
        ({}, "neither a code nor an error"),
        ({"code": "<script>", "state": "x"}, "&lt;script&gt;"),
    ],
)
async def test_whatever_comes_back_is_shown_and_never_run(
    emulators: Emulators, query: dict[str, str], text: str
) -> None:
    answer = await emulators.public.get("/client/callback", params=query)
    page = await answer.text()
    assert answer.status == 200
    assert text in page
    assert "<script" not in page


async def test_a_token_endpoint_that_is_away_is_a_page_too(
    emulators: Emulators, exchanges: list[dict[str, Any]]
) -> None:
    client = emulators.built.deps.client
    assert client is not None
    body = {
        "client_id": CLIENT,
        "client_secret": "its-secret",
        "redirect_uri": client.redirect_uri,
        "scope": "a:read",
        "sign_in_url": client.sign_in_url,
        "token_url": "http://127.0.0.1:1/oauth/tokens",
    }
    await emulators.internal.put("/client", json=body)
    answer = await emulators.public.post("/client/exchange", data={"code": "c"})
    assert answer.status == 502
    assert "ClientConnectorError" in await answer.text()


@pytest.mark.parametrize("path", ["/client", "/client/callback"])
async def test_before_anyone_said_who_it_is_the_page_says_so(
    emulators: Emulators, path: str
) -> None:
    answer = await emulators.public.get(path)
    assert answer.status == 503
    assert "Nobody said yet" in await answer.text()


async def test_only_the_platform_says_who_the_sample_client_is(
    emulators: Emulators,
) -> None:
    for headers in ({"Authorization": ""}, {"Authorization": "Bearer other"}):
        answer = await emulators.internal.put("/client", json={}, headers=headers)
        assert answer.status == 401
    assert (await emulators.internal.put("/client", json={})).status == 422
