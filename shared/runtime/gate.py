"""A door that lets so many in at a time, with a queue before it that has an end."""

import asyncio
from types import TracebackType

from shared.runtime.overload import OverloadedError


class Gate:
    """Keeps one kind of work from taking all of what others need, too.

    At most `most` are inside, in the order in which they came; whoever finds `queue` waiting
    is told so by `OverloadedError`. Not to be entered by whoever is inside.
    """

    def __init__(self, *, most: int, queue: int) -> None:
        self._room = asyncio.Semaphore(most)
        self._queue = queue
        self._waiting = 0

    async def __aenter__(self) -> None:
        if self._waiting >= self._queue:
            raise OverloadedError("too many at once")
        self._waiting += 1
        try:
            await self._room.acquire()
        finally:
            self._waiting -= 1

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._room.release()
