"""A relying party as the suites of the OpenID Foundation play one: HTTP, keys, a browser.

Nothing here looks inside the server: clients are registered through the admin API, users
sign in at the pages, and time passes by the clock that the server was given.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import aiohttp
from joserfc import jwt
from joserfc.jwk import KeySet

from services.mithril_api.actions.oauth2.deliver_logout import Delivery, deliver_logout
from tests.integration.mithril_api.oauth2.oauth import CHALLENGE, VERIFIER, Answered
from tests.integration.mithril_api.oauth2.proving import (
    ASSERTION_TYPE,
    a_key,
    a_proof,
    public,
    signed,
)
from tests.pages import Browser, Page
from tests.signing_in import SERVICE_TOKEN, Set

S256: dict[str, Any] = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
CALLBACK = "https://rp.test/callback"


@dataclass(kw_only=True)
class Client:
    """A client as it is registered, and how it proves who it is."""

    id: str
    secret: str = field(repr=False)
    redirect_uri: str
    method: str
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(kw_only=True)
class Answer:
    """What a browser came back to its client with; `page`: it did not, and stays there."""

    location: str = ""
    page: Page | None = None
    status: int = 303

    @property
    def query(self) -> dict[str, str]:
        assert self.location, (self.status, self.page and self.page.text)
        return dict(parse_qsl(urlsplit(self.location).query, keep_blank_values=True))

    @property
    def code(self) -> str:
        assert "code" in self.query, self.query
        return self.query["code"]

    @property
    def error(self) -> str:
        return self.query["error"]


@dataclass(kw_only=True)
class Suite:
    """The server under test, and what a condition does to it."""

    running: Set
    http: aiohttp.ClientSession
    internal: str
    _nonce: str = ""

    @property
    def issuer(self) -> str:
        return self.running.public

    def now(self) -> int:
        return int(self.running.clock.now().timestamp())

    def pass_time(self, seconds: int) -> None:
        self.running.clock.advance(timedelta(seconds=seconds))

    async def deliver_logouts(self) -> None:
        """Let the server do what it does beside answering: tell clients of sessions that ended."""
        while await deliver_logout(self.running.api.deps) is not Delivery.NOTHING_DUE:
            pass

    async def ask(self, method: str, path: str, **how: Any) -> Answered:
        """Ask the server; a form's `...` leaves a parameter out."""
        if isinstance(form := how.get("data"), Mapping):
            how["data"] = {name: value for name, value in form.items() if value is not ...}
        url = path if path.startswith("http") else self.issuer + path
        async with self.http.request(method, url, allow_redirects=False, **how) as found:
            is_json = found.content_type.endswith("json")
            body = await found.json(content_type=None) if is_json else {}
            return Answered(found.status, body, found.headers)

    async def client(
        self,
        method: str | None = None,
        *,
        redirect_uri: str = CALLBACK,
        headers: Mapping[str, str] | None = None,
        **settings: Any,
    ) -> Client:
        """Register one by the admin API."""
        if method is not None:
            settings["token_endpoint_auth_method"] = method
        if method == "private_key_jwt":
            settings.setdefault("jwks", public(a_key(), a_key("rsa", "RSA")))
        world = self.running.world
        body = {
            "name": "Relying party",
            "user_id": str(world.user_id),
            "client_type_id": str(world.client_type_id),
            "settings": settings,
            "priv_settings": {"access_type": "DIRECT"},
        }
        made = await self._admin("POST", "/clients", {"client": body})
        path = f"/clients/{made['id']}/connections"
        asked = {"consumer_id": made["id"], "redirect_uri": redirect_uri}
        connection = await self._admin("PUT", path, asked)
        return Client(
            id=made["id"],
            secret=connection["secret"],
            redirect_uri=redirect_uri,
            method=method or "client_secret_post",
            headers=dict(headers or {}),
        )

    async def _admin(self, method: str, path: str, body: Any) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {SERVICE_TOKEN}"}
        url = f"{self.internal}/admin{path}"
        answer = await self.ask(method, url, json=body, headers=headers)
        assert answer.status in {200, 201}, answer.body
        data: dict[str, Any] = answer.body["data"]
        return data

    def browser(self) -> Browser:
        """One in which nobody is signed in."""
        return Browser(self.http, self.running.url)

    def asked(self, client: Client, **but: Any) -> dict[str, Any]:
        """The parameters of an authorization request."""
        given = {
            "response_type": "code",
            "client_id": client.id,
            "redirect_uri": client.redirect_uri,
            "scope": "openid",
            "state": "af0ifjsldkj",
            "nonce": "n-0S6_WzA2Mj",
            **but,
        }
        return {name: value for name, value in given.items() if value is not ...}

    async def authorize(
        self,
        client: Client,
        browser: Browser | None = None,
        *,
        by: str = "GET",
        answer: str = "allow",
        hesitates: int = 0,
        **but: Any,
    ) -> Answer:
        """Send a browser to ask, and have its user sign in and answer what they are asked."""
        asked = self.asked(client, **but)
        return await self.led(asked, browser, by=by, answer=answer, hesitates=hesitates)

    async def led(
        self,
        asked: Mapping[str, str],
        browser: Browser | None = None,
        *,
        by: str = "GET",
        answer: str = "allow",
        hesitates: int = 0,
    ) -> Answer:
        """The same with just these parameters."""
        sent = {"params": asked} if by == "GET" else {"data": asked}
        begun = await self.ask(by, "/oauth2/authorize", **sent)
        location = begun.headers.get("Location", "")
        target = urlsplit(location)
        if begun.status != 303 or target.path != "/sign-in":
            return Answer(location=location, status=begun.status)
        browser = browser or self.browser()
        page = await browser.get(f"{target.path}?{target.query}")
        return await self._through(browser, page, answer, hesitates)

    async def _through(
        self, browser: Browser, page: Page, answer: str, hesitates: int
    ) -> Answer:
        world = self.running.world
        for _ in range(3):
            if page.location:
                return Answer(location=page.location, status=page.status, page=page)
            if page.path == "/sign-in":
                who = {"email": world.email, "password": world.password}
                page = await browser.submit(page, who)
            elif page.path == "/consent":
                self.pass_time(hesitates)
                page = await browser.submit(page, {"answer": answer}, action="/consent")
        return Answer(location=page.location, status=page.status, page=page)

    def proves(self, client: Client, **but: Any) -> dict[str, Any]:
        """The parameters by which a client authenticates."""
        if client.method == "private_key_jwt":
            return {
                "client_assertion_type": ASSERTION_TYPE,
                "client_assertion": self.assertion(client, **but),
            }
        if client.method == "client_secret_post":
            return {"client_id": client.id, "client_secret": client.secret}
        if client.method == "client_secret_basic":
            return {}
        return {"client_id": client.id}

    def assertion(self, client: Client, *, key: Any = None, **but: Any) -> str:
        """What proves a client, signed by its key."""
        header, now = but.pop("header", {}), self.now()
        claims = {
            "iss": client.id,
            "sub": client.id,
            "aud": self.issuer,
            "jti": str(uuid4()),
            "iat": now,
            "exp": now + 60,
            **but,
        }
        return signed(key or a_key(), claims, **header)

    def proof(self, path: str, method: str = "POST", **but: Any) -> str:
        """A DPoP proof, with the nonce that the server told last."""
        url = self.issuer + path
        given = {"htm": method, "htu": url, "nonce": self._nonce or ..., **but}
        return a_proof(now=self.now(), **given)

    async def post(
        self,
        client: Client,
        path: str,
        form: Mapping[str, Any],
        *,
        dpop: Mapping[str, Any] | None = None,
        **how: Any,
    ) -> Answered:
        """Ask an endpoint as the client; with a DPoP proof (`dpop`: what differs in it)."""
        headers = {**client.headers, **how.pop("headers", {})}
        if client.method == "client_secret_basic":
            headers["Authorization"] = aiohttp.encode_basic_auth(client.id, client.secret)

        def data() -> dict[str, Any]:
            return {**self.proves(client, **how.get("assertion", {})), **form}

        if dpop is None:
            return await self.ask("POST", path, data=data(), headers=headers)
        for _ in range(2):
            sent = {**headers, "DPoP": self.proof(path, **dpop)}
            found = await self.ask("POST", path, data=data(), headers=sent)
            self._nonce = found.headers.get("DPoP-Nonce", self._nonce)
            if found.body.get("error") != "use_dpop_nonce":
                return found
        return found

    async def exchange(
        self, client: Client, code: Any, *, dpop: Any = None, **but: Any
    ) -> Answered:
        """Buy tokens for a code."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": client.redirect_uri,
            **but,
        }
        return await self.post(client, "/oauth2/token", form, dpop=dpop)

    async def refresh(
        self, client: Client, token: str, *, dpop: Any = None, **but: Any
    ) -> Answered:
        """Refresh."""
        form = {"grant_type": "refresh_token", "refresh_token": token, **but}
        return await self.post(client, "/oauth2/token", form, dpop=dpop)

    async def granted(self, client: Client, **but: Any) -> dict[str, Any]:
        """The tokens of a whole flow."""
        found = await self.exchange(client, (await self.authorize(client, **but)).code)
        assert found.status == 200, found.body
        return found.body

    async def userinfo(self, token: str, method: str = "GET", **how: Any) -> Answered:
        """Ask who the user is."""
        headers = {"Authorization": f"Bearer {token}", **how.pop("headers", {})}
        return await self.ask(method, "/oauth2/userinfo", headers=headers, **how)

    async def claims(self, client: Client, id_token: str) -> dict[str, Any]:
        """What an ID token says, once it is checked as a client must (OIDC Core §3.1.3.7)."""
        found = await self.ask("GET", "/oauth2/jwks")
        published: Any = found.body
        keys = KeySet.import_key_set(published)
        decoded = jwt.decode(id_token, keys, algorithms=["RS256", "PS256", "ES256"])
        claims: dict[str, Any] = decoded.claims
        assert claims["iss"] == self.issuer
        assert claims["aud"] in (client.id, [client.id])
        assert claims["iat"] <= self.now() < claims["exp"]
        return claims


VERIFIED = {"code_verifier": VERIFIER}
