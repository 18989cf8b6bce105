"""The client of mithril-api, before a server that speaks its contract and can be made to fail."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from shared.peers.breaker import Breaker
from shared.peers.mithril import (
    MithrilApi,
    MithrilUnavailableError,
    RefusedToken,
    VerifiedToken,
)

TOKEN, USER, CLIENT, PERSON, MIS = (UUID(int=n) for n in range(1, 6))
VALUE = "abcdefghijklmnopqrstuvwxyz012345"
GOOD: dict[str, Any] = {
    "meta": {},
    "data": {
        "id": str(TOKEN),
        "user_id": str(USER),
        "details": {"client_id": str(CLIENT), "scope": "a b c", "client_type": "MSP"},
        "user": {"person_id": str(PERSON)},
    },
    "urgent": {"mis_client_id": None},
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Peer:
    """A server that answers what the test says, and the client before it."""

    api: MithrilApi
    server: TestServer
    answer: Handler
    asked: list[web.Request] = field(default_factory=list)


async def good(_: web.Request) -> web.Response:
    return web.json_response(GOOD)


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    async def handler(request: web.Request) -> web.StreamResponse:
        made.asked.append(request)
        return await made.answer(request)

    app = web.Application()
    app.router.add_get("/admin/tokens/{value}/verify", handler)
    server = TestServer(app)
    async with server, aiohttp.ClientSession() as session:
        api = MithrilApi(
            url=str(server.make_url("/")),
            session=lambda: session,
            service_token="ours",
            deadline=0.5,
            breaker=Breaker(tolerated=2, rest=60),
        )
        made = Peer(api=api, server=server, answer=good)
        yield made


async def test_a_live_token_is_told_with_whose_it_is(peer: Peer) -> None:
    verdict = await peer.api.verify(VALUE, api_key="key")

    assert verdict == VerifiedToken(
        token_id=TOKEN,
        user_id=USER,
        client_id=CLIENT,
        scope=frozenset("abc"),
        person_id=PERSON,
        mis_client_id=None,
        client_type="MSP",
    )
    [request] = peer.asked
    assert request.match_info["value"] == VALUE
    assert request.headers["Authorization"] == "Bearer ours"
    assert request.headers["api-key"] == "key"


async def test_a_brokers_token_goes_no_further_than_the_broker_may(peer: Peer) -> None:
    details = {**GOOD["data"]["details"], "broker_scope": "c d a"}
    data = {**GOOD["data"], "details": details, "user": {"person_id": "not an id"}}
    body = {**GOOD, "data": data, "urgent": {"mis_client_id": str(MIS)}}
    peer.answer = lambda _: json(body)

    verdict = await peer.api.verify(VALUE)

    assert isinstance(verdict, VerifiedToken)
    assert verdict.scope == {"a", "c"}
    assert (verdict.mis_client_id, verdict.person_id) == (MIS, None)


@pytest.mark.parametrize("cnf", [{"jkt": "k"}, {"x5t#S256": "t"}, {"kid": "?"}, {}, 1])
async def test_a_bound_token_is_told_to_who_checks_its_holder_alone(
    peer: Peer, cnf: Any
) -> None:
    data = {**GOOD["data"], "details": {**GOOD["data"]["details"], "cnf": cnf}}
    peer.answer = lambda _: json({**GOOD, "data": data})

    told = await replace(peer.api, checks_holders=True).verify(VALUE)

    assert isinstance(told, VerifiedToken)
    assert told.confirmation.is_bound
    assert await peer.api.verify(VALUE) == RefusedToken(reason="bound")


@pytest.mark.parametrize("status", [401, 404, 422])
async def test_a_refusal_is_told_with_its_reason(peer: Peer, status: int) -> None:
    peer.answer = lambda _: json({"error": {"type": "invalid_grant"}}, status)
    assert await peer.api.verify(VALUE) == RefusedToken(reason="invalid_grant")


@pytest.mark.parametrize(
    "value", ["", ".", "..", "a/../b c", "é", "a" * 8001, "a?b", "a\n"]
)
async def test_what_is_no_token_is_not_asked_about(peer: Peer, value: str) -> None:
    assert await peer.api.verify(value) == RefusedToken(reason="malformed")
    assert peer.asked == []


async def test_a_token_is_one_segment_of_the_path_whatever_is_in_it(peer: Peer) -> None:
    await peer.api.verify("a/../b+c==")
    assert [request.match_info["value"] for request in peer.asked] == ["a/../b+c=="]


async def test_a_connection_that_was_cut_is_tried_once_more(peer: Peer) -> None:
    async def cut_the_first(request: web.Request) -> web.StreamResponse:
        if len(peer.asked) == 1:
            cut(request)
        return await good(request)

    peer.answer = cut_the_first
    assert isinstance(await peer.api.verify(VALUE), VerifiedToken)
    assert len(peer.asked) == 2


async def test_a_peer_that_stays_away_is_left_alone_for_a_while(peer: Peer) -> None:
    async def cut_all(request: web.Request) -> web.StreamResponse:
        cut(request)
        return web.Response()

    peer.answer = cut_all
    for _ in range(2):
        with pytest.raises(MithrilUnavailableError):
            await peer.api.verify(VALUE)
    assert len(peer.asked) == 4

    with pytest.raises(MithrilUnavailableError, match="of late"):
        await peer.api.verify(VALUE)
    assert len(peer.asked) == 4


async def test_a_peer_that_refuses_connections_is_asked_twice(peer: Peer) -> None:
    refused: list[str] = []
    real = peer.api.session

    def counting() -> aiohttp.ClientSession:
        refused.append("once")
        return real()

    await peer.server.close()
    with pytest.raises(MithrilUnavailableError, match="ClientConnectorError"):
        await replace(peer.api, session=counting).verify(VALUE)
    assert refused == ["once", "once"]


async def test_a_peer_that_hangs_is_waited_for_until_the_deadline(peer: Peer) -> None:
    never = asyncio.Event()

    async def hang(_: web.Request) -> web.StreamResponse:
        await never.wait()
        return web.Response()

    peer.answer = hang
    with pytest.raises(MithrilUnavailableError, match="TimeoutError"):
        await peer.api.verify(VALUE)
    never.set()
    assert len(peer.asked) == 1


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, {}),
        (200, {"data": {"id": "x"}}),
        (302, {}),
        (500, {"error": {}}),
        (503, {"error": {"type": "service_unavailable"}}),
        (401, {"error": {"type": "access_denied", "message": "Invalid access token"}}),
    ],
)
async def test_an_answer_that_says_nothing_of_the_token_is_none(
    peer: Peer, status: int, body: dict[str, Any]
) -> None:
    peer.answer = lambda _: json(body, status)
    with pytest.raises(MithrilUnavailableError):
        await peer.api.verify(VALUE)


async def test_no_error_tells_the_token_or_ours(peer: Peer) -> None:
    await peer.server.close()
    with pytest.raises(MithrilUnavailableError) as caught:
        await peer.api.verify(VALUE)
    said = f"{caught.value!r} {caught.value.__cause__!r} {peer.api!r}"
    assert VALUE not in said
    assert "ours" not in said


async def json(body: dict[str, Any], status: int = 200) -> web.Response:
    return web.json_response(body, status=status)


def cut(request: web.Request) -> None:
    assert request.transport is not None
    request.transport.abort()
