"""A server to be asked, for every test here."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from tests.integration.peers.outsiders import Server, app_of, says


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async def handler(request: web.Request) -> web.StreamResponse:
        made.asked.append(request)
        made.bodies.append(await request.read())
        return await made.answer(request)

    listening = app_of(handler)
    async with listening, aiohttp.ClientSession() as session:
        url = str(listening.make_url("/")).rstrip("/")
        made = Server(url=url, session=session, answer=says())
        yield made
