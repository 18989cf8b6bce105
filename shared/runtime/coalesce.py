"""Answer what arrives together with one statement a batch, and a lone request at once (D9)."""

import asyncio
import contextvars
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeAlias, TypeVar

from shared.runtime import tracing

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Coalescer(Generic[Item, Answer]):
    """Gathers what waits while earlier batches are under way, and answers it as one.

    `answer_many` gets 1 … `most` items and returns as many answers, in order. At most
    `lanes` batches are under way at once; a request that finds a lane free starts it with no
    delay. If a batch of several fails, its items are tried one by one, so one item that
    breaks a statement hurts itself alone; exceptions of `fatal` (the database is away) go to
    all of the batch at once, since trying again would only wait again.
    """

    def __init__(
        self,
        answer_many: Callable[[Sequence[Item]], Awaitable[Sequence[Answer]]],
        *,
        most: int,
        lanes: int,
        fatal: tuple[type[BaseException], ...] = (),
        observe: Callable[[int], None] = lambda _: None,
        name: str = "requests",
    ) -> None:
        self._answer_many = answer_many
        self._most = most
        self._free = lanes
        self._lanes = lanes
        self._fatal = fatal
        self._observe = observe
        self._name = name
        self._waiting: deque[_Waiting[Item, Answer]] = deque()
        self._running: set[asyncio.Task[None]] = set()

    async def submit(self, item: Item) -> Answer:
        """The answer to one item. Cancelling the caller does not cancel the work."""
        return await self.enqueue(item)

    def enqueue(self, item: Item) -> asyncio.Future[Answer]:
        """The same for who does not wait here; the future is theirs alone."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        asker = None if tracing.spans is None else tracing.spans.here()
        self._waiting.append((item, future, asker))
        if self._free:
            self._start_lane()
        return future

    async def drain(self) -> None:
        """Wait until everything submitted has its answer."""
        while self._running:
            await asyncio.wait(self._running)

    def _start_lane(self) -> None:
        self._free -= 1
        # In a context of its own: a lane works for many requests, and must not speak in the
        # name of the one that happened to start it.
        task = asyncio.create_task(
            self._run_lane(), name="coalescer lane", context=contextvars.Context()
        )
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _run_lane(self) -> None:
        try:
            while batch := self._take():
                await self._answer(batch)
        finally:
            self._free += 1

    def _take(self) -> "list[_Waiting[Item, Answer]]":
        # An even share for each lane, so that two lanes overlap their waits instead of one
        # taking all there is and the other idling.
        waiting = len(self._waiting)
        share = min(self._most, max(1, -(-waiting // self._lanes)))
        return [self._waiting.popleft() for _ in range(min(waiting, share))]

    async def _answer(self, batch: "list[_Waiting[Item, Answer]]") -> None:
        self._observe(len(batch))
        try:
            with tracing.batch(self._name, [asker for _, _, asker in batch]):
                answers = await self._answer_many([item for item, _, _ in batch])
        except self._fatal as error:
            _fail(batch, error)
        except Exception as error:  # noqa: BLE001 — whatever broke the batch, its items get a verdict each
            if len(batch) == 1:
                _fail(batch, error)
                return
            for one in batch:
                await self._answer([one])
        else:
            for (_, future, _), answer in zip(batch, answers, strict=True):
                if not future.done():
                    future.set_result(answer)


# What was asked, who waits for the answer, and the span of whoever asked.
_Waiting: TypeAlias = tuple[Item, "asyncio.Future[Answer]", Any]


def _fail(batch: "list[_Waiting[Item, Answer]]", error: BaseException) -> None:
    for _, future, _ in batch:
        if not future.done():
            future.set_exception(error)
