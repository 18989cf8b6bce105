"""Hands over what is owed to others, for as long as the process runs."""

import asyncio
from collections.abc import Awaitable, Callable

from shared.runtime import logging
from shared.runtime.postgres import DatabaseUnavailableError

_log = logging.get("postman")


class Postman:
    """Sends what is due, when woken and every few seconds: another replica may have died.

    `deliver` sends one thing and says whether anything was due; none where there is nobody to
    send to. What it has begun it finishes before it ends; what it has not stays owed. With
    `hands` it sends so many things at a time.
    """

    def __init__(
        self,
        deliver: Callable[[], Awaitable[bool]] | None,
        *,
        woken: asyncio.Event,
        idle: float = 2.0,
        hands: int = 1,
    ) -> None:
        self._deliver = deliver
        self._woken = woken
        self._idle = idle
        self._hands = hands

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`; outlives PostgreSQL and whoever is sent to. Without the latter it rests."""
        deliver = self._deliver
        if deliver is None:
            await stop.wait()
            return
        while not stop.is_set():
            self._woken.clear()
            try:
                async with asyncio.TaskGroup() as hands:
                    for _ in range(self._hands):
                        hands.create_task(_round(deliver, stop))
            except* DatabaseUnavailableError as errors:
                _log.warning("round interrupted", error=str(errors.exceptions[0]))
            await self._rest(stop)

    async def _rest(self, stop: asyncio.Event) -> None:
        waits = {asyncio.ensure_future(event.wait()) for event in (stop, self._woken)}
        try:
            await asyncio.wait(
                waits, timeout=self._idle, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)


async def _round(deliver: Callable[[], Awaitable[bool]], stop: asyncio.Event) -> None:
    while not stop.is_set() and await deliver():
        pass
