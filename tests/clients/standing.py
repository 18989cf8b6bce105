"""The set for client libraries: it serves in a thread, since most of them wait for answers."""

import asyncio
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from threading import Thread
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
from joserfc.jwk import ECKey, KeyParameters, RSAKey

from shared.models.schema import mithril as tables
from shared.runtime.embedded import free_port
from tests.builders import World, a_world
from tests.fakes import TickingClock
from tests.pages import Browser
from tests.signing_in import Set, started

T = TypeVar("T")
_SECONDS = 60
GRANTS = ["client_credentials", "password"]


@dataclass(frozen=True, kw_only=True)
class Registered:
    """What the operator tells a developer of their client, and a doctor who may use it."""

    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str
    email: str
    password: str = field(repr=False)
    user_id: str
    private_jwk: dict[str, Any] | None = field(default=None, repr=False)


@dataclass(kw_only=True)
class Standing:
    """What runs, as the thread of a test uses it."""

    running: Set
    loop: asyncio.AbstractEventLoop
    http: aiohttp.ClientSession
    agent: str = ""  # where the person in front of the browser listens
    worlds: dict[str, World] = field(default_factory=dict)
    browsers: dict[str, Browser] = field(default_factory=dict)

    @property
    def issuer(self) -> str:
        """All that a client has to know of the server."""
        return self.running.public

    def register(
        self,
        *,
        redirect_uri: str | None = None,
        key: ECKey | RSAKey | None = None,
        **settings: Any,
    ) -> Registered:
        """A client with these settings, and a doctor who has not allowed it anything yet.

        Of its `key` the operator gets the public half.
        """
        if key is None:
            return self.run(self._register(redirect_uri, settings))
        jwks = {"keys": [key.as_dict(private=False)]}
        made = self.run(self._register(redirect_uri, {"jwks": jwks, **settings}))
        return replace(made, private_jwk=dict(key.as_dict(private=True)))

    def visit(self, url: str, *, answer: str = "allow") -> str:
        """What a person does with a link: sign in, allow, confirm. Answers where they land."""
        return self.run(self._visit(url, answer))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for something that runs beside the servers."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(_SECONDS)

    async def visited(self, request: web.Request) -> web.Response:
        """The same for a program in another language: the link is the body."""
        try:
            return web.Response(text=await self._visit(await request.text(), "allow"))
        except AssertionError as failure:
            return web.Response(status=409, text=str(failure))

    async def _register(
        self, redirect_uri: str | None, settings: dict[str, Any]
    ) -> Registered:
        deps = self.running.api.deps
        world = await a_world(
            deps, client_settings={"allowed_grant_types": GRANTS, **settings}
        )
        uri = redirect_uri or world.redirect_uri
        c = tables.connections
        async with deps.db.begin() as conn:
            await conn.execute(tables.apps.delete().where(tables.apps.c.id == world.app_id))
            await conn.execute(
                c.update().where(c.c.id == world.connection_id).values(redirect_uri=uri)
            )
        client_id = str(world.client_id)
        self.worlds[client_id] = world
        self.browsers[client_id] = Browser(self.http, self.running.url)
        return Registered(
            client_id=client_id,
            client_secret=world.client_secret,
            redirect_uri=uri,
            email=world.email,
            password=world.password,
            user_id=str(world.user_id),
        )

    async def _visit(self, url: str, answer: str) -> str:
        first = await Browser(self.http, self.issuer).get(url, follow=False)
        assert first.status == 303, first.text
        if not first.location.startswith(self.running.url):
            return first.location  # a refusal
        (client_id,) = parse_qs(urlsplit(first.location).query)["client_id"]
        world, browser = self.worlds[client_id], self.browsers[client_id]
        page = await browser.get(first.location)
        filled: dict[str, dict[str, str]] = {
            "/sign-in": {"email": world.email, "password": world.password},
            "/consent": {"answer": answer},
            "/sign-out": {},
        }
        while page.status == 200 and page.path in filled:
            page = await browser.submit(page, filled.pop(page.path), action=page.path)
        assert page.status == 303, (page.path, page.status, page.text)
        return page.location


def a_key(alg: str) -> ECKey | RSAKey:
    """A key pair of a client's, for this algorithm."""
    told: KeyParameters = {"alg": alg, "kid": "of the clinic"}
    if alg == "ES256":
        return ECKey.generate_key("P-256", told)
    return RSAKey.generate_key(2048, told)


@contextmanager
def standing(database_url: str) -> Iterator[Standing]:
    """Serve in a thread of its own until the test has done."""
    ready: Future[tuple[Standing, asyncio.Event]] = Future()
    thread = Thread(target=lambda: asyncio.run(_serve(database_url, ready)))
    thread.start()
    made, stop = ready.result(_SECONDS)
    try:
        yield made
    finally:
        made.loop.call_soon_threadsafe(stop.set)
        thread.join(_SECONDS)


async def _serve(
    database_url: str, ready: "Future[tuple[Standing, asyncio.Event]]"
) -> None:
    stop = asyncio.Event()
    port = free_port()
    try:
        async with (
            started(
                database_url,
                TickingClock(),
                port=port,
                api_settings={"issuer": None},
            ) as running,
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http,
        ):
            running.url = f"http://localhost:{port}"
            loop = asyncio.get_running_loop()
            made = Standing(running=running, loop=loop, http=http)
            app = web.Application()
            app.router.add_post("/", made.visited)
            async with TestServer(app) as agent:
                made.agent = str(agent.make_url("/"))
                ready.set_result((made, stop))
                await stop.wait()
    except BaseException as failure:
        if not ready.done():
            ready.set_exception(failure)
        raise
