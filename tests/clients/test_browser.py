"""oidc-client-ts in a real Chromium: an application of another origin, with no server behind."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Page, expect

from tests.chromium import chromium
from tests.clients.javascript import SCRIPTS, Libraries
from tests.clients.plugin import found
from tests.clients.standing import Registered, Standing

__all__ = ["chromium"]  # a fixture that ours asks for

_MILLISECONDS = 20_000
_BUNDLE = "oidc-client-ts/dist/browser/oidc-client-ts.min.js"


@dataclass(kw_only=True)
class Application:
    """Where its files are, and what its developer has set."""

    origin: str = ""
    settings: dict[str, Any] = field(default_factory=dict)

    def register(self, server: Standing, **but: Any) -> Registered:
        """Tell the operator of it, and it of the server."""
        client = server.register(
            redirect_uri=f"{self.origin}/callback",
            token_endpoint_auth_method="none",
            post_logout_redirect_uris=[f"{self.origin}/bye"],
            **but,
        )
        self.settings |= {
            "authority": server.issuer,
            "client_id": client.client_id,
            "redirect_uri": client.redirect_uri,
            "post_logout_redirect_uri": f"{self.origin}/bye",
            "scope": "openid email episode:read",
            "loadUserInfo": True,
        }
        return client


@pytest.fixture
async def application(request: pytest.FixtureRequest) -> AsyncIterator[Application]:
    """Serve the application's files."""
    libraries = found(request.config)
    assert isinstance(libraries, Libraries)
    bundle = Path(libraries.modules, _BUNDLE)
    made = Application()

    async def page(_: web.Request) -> web.FileResponse:
        return web.FileResponse(SCRIPTS / "page.html")

    async def script(_: web.Request) -> web.FileResponse:
        return web.FileResponse(bundle)

    async def settings(_: web.Request) -> web.Response:
        return web.json_response(made.settings)

    app = web.Application()
    app.router.add_get("/oidc-client-ts.js", script)
    app.router.add_get("/settings.json", settings)
    for path in ("/", "/callback", "/bye"):
        app.router.add_get(path, page)
    async with TestServer(app) as server:
        made.origin = f"http://localhost:{server.port}"
        yield made


@pytest.mark.parametrize("bound", [False, True], ids=["bearer", "bound to a key"])
async def test_a_page_signs_its_user_in_renews_silently_and_signs_them_out(
    server: Standing, application: Application, chromium: Browser, bound: bool
) -> None:
    client = application.register(server, dpop_bound_access_tokens=bound)
    if bound:  # the library shows its token to userinfo as a bearer's, whatever it is
        dpop = {"bind_authorization_code": True}
        application.settings |= {"dpop": dpop, "loadUserInfo": False}
    page = await (await chromium.new_context(locale="en-GB")).new_page()
    page.set_default_timeout(_MILLISECONDS)

    await page.goto(application.origin)
    await page.get_by_role("button", name="Enter").click()
    await sign_in(page, client)
    user = await shown(page, "id_token")
    await page.get_by_role("button", name="Renew").click()
    renewed = await shown(page, "id_token", unlike=user)
    await page.get_by_role("button", name="Revoke").click()
    await shown(page, "revoked")
    await page.get_by_role("button", name="Leave").click()
    await page.get_by_role("button", name="Sign out").click()
    left = await shown(page, "nobody")

    assert user["profile"]["sub"] == client.user_id
    assert user["profile"].get("email") == (None if bound else client.email)
    assert renewed["refresh_token"] != user["refresh_token"]
    assert renewed["profile"]["sub"] == client.user_id
    assert renewed["token_type"] == ("DPoP" if bound else "Bearer")
    assert left == "nobody"


async def sign_in(page: Page, client: Registered) -> None:
    await page.get_by_label("E-mail").fill(client.email)
    await page.get_by_label("Password").fill(client.password)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("button", name="Allow").click()


async def shown(page: Page, word: str, *, unlike: dict[str, Any] | None = None) -> Any:
    """What the application shows, once it holds this word and another token than before."""
    output = page.locator("output")
    if unlike is not None:
        token = unlike["access_token"]
        await expect(output).not_to_contain_text(token, timeout=_MILLISECONDS)
    await expect(output).to_contain_text(word, timeout=_MILLISECONDS)
    return json.loads(await output.inner_text())
