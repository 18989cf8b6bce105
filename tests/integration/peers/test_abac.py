"""The client of abac-api, before a server that can be made to fail."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from shared.models.access import Consumer, Context, Resource
from shared.peers.abac import AbacApi, AbacUnavailableError, Decided
from shared.peers.breaker import Breaker

USER, CLIENT, EPISODE, PATIENT, DECISION = (UUID(int=number) for number in range(1, 6))
GOOD: dict[str, Any] = {"data": {"result": True, "decision_id": str(DECISION), "rules": []}}


@dataclass
class Peer:
    """A server that answers what the test says, and the client before it."""

    api: AbacApi
    server: TestServer
    answer: Callable[[web.Request], Awaitable[web.StreamResponse]]
    asked: list[tuple[web.Request, Any]] = field(default_factory=list)

    async def ask(self) -> Decided:
        return await self.api.authorize(
            Consumer(user_id=USER, client_id=CLIENT),
            Resource(type="episode", action="read"),
            [Context(type="patient", id=PATIENT)],
            request_id="r-1",
        )


async def good(_: web.Request) -> web.StreamResponse:
    return web.json_response(GOOD)


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    async def handler(request: web.Request) -> web.StreamResponse:
        made.asked.append((request, await request.json()))
        return await made.answer(request)

    app = web.Application()
    app.router.add_post("/api/authorize", handler)
    server = TestServer(app)
    async with server, aiohttp.ClientSession() as session:
        api = AbacApi(
            url=str(server.make_url("/")),
            session=lambda: session,
            service_token="ours",
            deadline=0.5,
            breaker=Breaker(tolerated=2, rest=60),
        )
        made = Peer(api=api, server=server, answer=good)
        yield made


async def test_a_decision_is_asked_for_as_the_contract_says(peer: Peer) -> None:
    assert await peer.ask() == Decided(result=True, decision_id=DECISION)
    [(request, body)] = peer.asked
    assert request.headers["Authorization"] == "Bearer ours"
    assert request.headers["X-Request-ID"] == "r-1"
    assert body == {
        "consumer": {"user_id": str(USER), "client_id": str(CLIENT)},
        "resource": {"type": "episode", "action": "read"},
        "contexts": [{"type": "patient", "id": str(PATIENT)}],
    }


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, {}),
        (200, {"data": {"result": "yes or no", "decision_id": str(DECISION)}}),
        (200, {"data": {"result": True}}),
        (401, {"data": {"result": True, "decision_id": str(DECISION)}}),
        (422, {}),
        (503, {"data": {"result": False}}),
    ],
)
async def test_what_is_no_decision_is_no_permit(
    peer: Peer, status: int, body: dict[str, Any]
) -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response(body, status=status)

    peer.answer = answer
    with pytest.raises(AbacUnavailableError):
        await peer.ask()


async def test_a_peer_that_stays_away_is_left_alone_for_a_while(peer: Peer) -> None:
    await peer.server.close()
    for _ in range(2):
        with pytest.raises(AbacUnavailableError, match="ClientConnectorError"):
            await peer.ask()
    with pytest.raises(AbacUnavailableError, match="of late"):
        await peer.ask()


async def test_a_question_that_was_cut_is_not_asked_again(peer: Peer) -> None:
    async def cut(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    peer.answer = cut
    with pytest.raises(AbacUnavailableError):
        await peer.ask()
    assert len(peer.asked) == 1


async def test_who_goes_away_teaches_the_breaker_nothing(peer: Peer) -> None:
    reached, never = asyncio.Event(), asyncio.Event()

    async def hang(_: web.Request) -> web.StreamResponse:
        reached.set()
        await never.wait()
        return web.Response()

    peer.answer = hang
    for _ in range(3):
        task = asyncio.create_task(peer.ask())
        await reached.wait()
        reached.clear()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    never.set()
    peer.answer = good
    assert (await peer.ask()).result
