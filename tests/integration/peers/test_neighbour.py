"""A service of ours that refuses changes for a while is well: it is asked on."""

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from shared.peers.neighbour import Neighbour, NeighbourAwayError, Refused
from shared.runtime import read_only


async def _asked(error: dict[str, str]) -> tuple[Neighbour, TestServer, ClientSession]:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"error": error}, status=503)

    app = web.Application()
    app.router.add_post("/change", answer)
    server, session = TestServer(app), ClientSession()
    await server.start_server()
    url = str(server.make_url(""))
    asked = Neighbour(name="mithril-api", url=url, session=lambda: session)
    return asked, server, session


async def test_a_service_that_is_read_only_is_told_from_one_that_is_away() -> None:
    said = {"type": "read_only", "message": read_only.TEXT}
    neighbour, server, session = await _asked(said)

    replies = [await neighbour.ask("POST", "/change", bearer="b") for _ in range(20)]

    assert {type(reply) for reply in replies} == {Refused}
    assert isinstance(replies[0], Refused)
    assert replies[0].message == read_only.TEXT
    await session.close()
    await server.close()


async def test_a_service_without_its_database_is_away() -> None:
    neighbour, server, session = await _asked({"type": "service_unavailable"})

    with pytest.raises(NeighbourAwayError):
        await neighbour.ask("POST", "/change", bearer="b")
    await session.close()
    await server.close()
