"""One HTTP session for all the outside systems that a process asks."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

import aiohttp
from aiohttp import web


@dataclass(slots=True)
class SharedSession:
    """Made on the running loop when first used; closed when the last application ends.

    Register `while_serving` with the `cleanup_ctx` of each application that uses it. `traces`
    says what is to be told of each request, when the session is made.
    """

    traces: Callable[[], Sequence[aiohttp.TraceConfig]] = tuple
    _session: aiohttp.ClientSession | None = None
    _serving: int = 0

    def __call__(self) -> aiohttp.ClientSession:
        """The session."""
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(), trace_configs=list(self.traces())
            )
        return self._session

    async def while_serving(self, _: web.Application) -> AsyncIterator[None]:
        """Hold it open for an application."""
        self._serving += 1
        yield
        self._serving -= 1
        if self._serving == 0:
            await self.close()

    async def close(self) -> None:
        """Close it, if it was ever made; the next use makes another."""
        if self._session is not None:
            await self._session.close()
            self._session = None
