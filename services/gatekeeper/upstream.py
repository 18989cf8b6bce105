"""The HTTP session to the web app: bodies pass as they are, and no cookie is kept."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
from aiohttp import web

from shared.runtime import tracing


@dataclass(slots=True)
class UpstreamSession:
    """Open while the application serves."""

    _session: aiohttp.ClientSession | None = None

    def __call__(self) -> aiohttp.ClientSession:
        """The session."""
        if self._session is None:
            raise RuntimeError("the application does not serve")
        return self._session

    async def while_serving(self, _: web.Application) -> AsyncIterator[None]:
        """Hold it open for the application."""
        async with aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            connector=aiohttp.TCPConnector(limit=0),
            trace_configs=tracing.client_traces(),
        ) as session:
            self._session = session
            yield
            self._session = None
