"""Coalescing (D9): what waits together is answered together; nobody is hurt by a neighbour."""

import asyncio
from collections.abc import Callable, Sequence

import pytest

from shared.runtime.coalesce import Coalescer


class AwayError(Exception):
    """The database is away."""


class Answering:
    """Doubles numbers, batch by batch, when the test opens the gate."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, items: Sequence[int]) -> list[int]:
        self.batches.append(list(items))
        await self.gate.wait()
        if 13 in items:
            raise ValueError("13 breaks the statement")
        if -1 in items:
            raise AwayError
        return [item * 2 for item in items]


def a_coalescer(
    answering: Answering, *, most: int = 64, lanes: int = 1
) -> Coalescer[int, int]:
    return Coalescer(answering, most=most, lanes=lanes, fatal=(AwayError,))


async def test_a_lone_request_goes_at_once() -> None:
    answering = Answering()

    assert await a_coalescer(answering).submit(21) == 42
    assert answering.batches == [[21]]


async def test_what_waits_while_a_batch_is_under_way_goes_together() -> None:
    answering = Answering()
    answering.gate.clear()
    coalescer = a_coalescer(answering)
    tasks = [asyncio.create_task(coalescer.submit(item)) for item in range(5)]
    await until(
        lambda: answering.batches == [[0, 1, 2, 3, 4]] or len(answering.batches) == 1
    )
    more = [asyncio.create_task(coalescer.submit(item)) for item in range(5, 9)]
    answering.gate.set()

    answers = await asyncio.gather(*tasks, *more)

    assert answers == [item * 2 for item in range(9)]
    assert len(answering.batches) == 2


async def test_a_batch_is_bounded() -> None:
    answering = Answering()
    coalescer = a_coalescer(answering, most=3)

    await asyncio.gather(*(coalescer.submit(item) for item in range(10)))

    assert max(map(len, answering.batches)) <= 3


async def test_lanes_share_what_waits() -> None:
    answering = Answering()
    answering.gate.clear()
    coalescer = a_coalescer(answering, lanes=2)
    first = [asyncio.create_task(coalescer.submit(item)) for item in range(2)]
    await until(lambda: len(answering.batches) == 2)
    rest = [asyncio.create_task(coalescer.submit(item)) for item in range(10)]
    await asyncio.sleep(0)
    answering.gate.set()
    await asyncio.gather(*first, *rest)

    assert sorted(map(len, answering.batches[2:])) == [5, 5] or len(answering.batches) > 3


async def test_one_bad_item_hurts_itself_alone() -> None:
    coalescer = a_coalescer(Answering())

    answers = await asyncio.gather(
        *(coalescer.submit(item) for item in (1, 13, 2)), return_exceptions=True
    )

    assert answers[0] == 2
    assert isinstance(answers[1], ValueError)
    assert answers[2] == 4


async def test_when_the_database_is_away_all_are_told_at_once() -> None:
    answering = Answering()
    coalescer = a_coalescer(answering)

    answers = await asyncio.gather(
        *(coalescer.submit(item) for item in (1, -1, 2)), return_exceptions=True
    )

    assert [type(answer) for answer in answers] == [AwayError] * 3
    assert len(answering.batches) == 1


async def test_a_caller_that_goes_away_does_not_stop_the_others() -> None:
    answering = Answering()
    answering.gate.clear()
    coalescer = a_coalescer(answering)
    gone = asyncio.create_task(coalescer.submit(1))
    stays = asyncio.create_task(coalescer.submit(2))
    await until(lambda: bool(answering.batches))
    gone.cancel()
    answering.gate.set()

    assert await stays == 4
    with pytest.raises(asyncio.CancelledError):
        await gone


async def test_draining_waits_for_what_was_submitted() -> None:
    answering = Answering()
    answering.gate.clear()
    coalescer = a_coalescer(answering)
    task = asyncio.create_task(coalescer.submit(1))
    await until(lambda: bool(answering.batches))
    draining = asyncio.create_task(coalescer.drain())
    answering.gate.set()
    await draining

    assert task.done() or await task == 2


async def test_the_size_of_each_batch_is_observed() -> None:
    sizes: list[int] = []
    coalescer = Coalescer(Answering(), most=64, lanes=1, observe=sizes.append)

    await asyncio.gather(*(coalescer.submit(item) for item in range(4)))

    assert sum(sizes) == 4


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0)
