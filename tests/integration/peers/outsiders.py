"""Servers that answer as a test says, and the outside systems' clients before them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from shared.peers.breaches import BreachList
from shared.peers.breaker import Breaker
from shared.peers.outside import Outside
from shared.peers.persons import MasterPatientIndex
from shared.peers.recaptcha import Recaptcha
from shared.peers.signatures import SignatureService
from shared.peers.sms import SmsGateway

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

PERSON = "00000000-0000-0000-0000-000000000007"
CODE = "Код підтвердження: 481516"
PHONE = "+380501234567"
PASSWORD = "correct horse battery staple"
SECRET = "secret-of-the-verifier"


@dataclass
class Server:
    """What was asked, and what to answer."""

    url: str
    session: aiohttp.ClientSession
    answer: Handler
    asked: list[web.Request] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    def outside(self, *, harmless: bool, path: str = "", **but: Any) -> Outside:
        """How the server is asked."""
        values: dict[str, Any] = {
            "name": "the system",
            "url": self.url + path,
            "session": lambda: self.session,
            "deadline": 0.5,
            "harmless": harmless,
            "breaker": Breaker(tolerated=3, rest=60),
        }
        return Outside(**(values | but))

    @property
    def sms(self) -> SmsGateway:
        return SmsGateway(outside=self.outside(harmless=False))

    @property
    def signatures(self) -> SignatureService:
        return SignatureService(outside=self.outside(harmless=True))

    @property
    def persons(self) -> MasterPatientIndex:
        return MasterPatientIndex(outside=self.outside(harmless=True))

    @property
    def breaches(self) -> BreachList:
        return BreachList(outside=self.outside(harmless=True))

    @property
    def recaptcha(self) -> Recaptcha:
        outside = self.outside(harmless=False, path="/siteverify")
        return Recaptcha(outside=outside, secret=SecretStr(SECRET), min_score=0.5)


def app_of(answer: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> TestServer:
    """A server whose every path is answered by one handler."""
    app = web.Application(client_max_size=2**20)
    app.router.add_route("*", "/{path:.*}", answer)
    return TestServer(app)


def says(body: object = None, status: int = 200) -> Handler:
    """Answer JSON."""

    async def answer(_: web.Request) -> web.Response:
        return web.json_response({} if body is None else body, status=status)

    return answer


def says_text(text: str, status: int = 200) -> Handler:
    """Answer a text."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=text, status=status)

    return answer


async def cuts(request: web.Request) -> web.StreamResponse:
    """Go away without an answer."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def never_ends(request: web.Request) -> web.StreamResponse:
    """Answer a body without end."""
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b"[" * 65_536)


def in_turn(*answers: Handler) -> Handler:
    """Answer the first request by the first, and so on; then as the last."""
    left = list(answers)

    async def answer(request: web.Request) -> web.StreamResponse:
        return await (left.pop(0) if len(left) > 1 else left[0])(request)

    return answer
