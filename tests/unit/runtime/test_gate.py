"""A door that lets so many in at a time."""

import asyncio

import pytest

from shared.runtime.gate import Gate
from shared.runtime.overload import OverloadedError


async def inside(gate: Gate, entered: list[int], number: int, go: asyncio.Event) -> None:
    async with gate:
        entered.append(number)
        await go.wait()


async def test_so_many_are_inside_and_the_rest_follow_in_order() -> None:
    gate, entered, go = Gate(most=2, queue=10), list[int](), asyncio.Event()
    tasks = [asyncio.create_task(inside(gate, entered, n, go)) for n in range(5)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert entered == [0, 1]

    go.set()
    await asyncio.gather(*tasks)

    assert entered == [0, 1, 2, 3, 4]


async def test_whoever_finds_the_queue_full_is_told_so() -> None:
    gate, entered, go = Gate(most=1, queue=2), list[int](), asyncio.Event()
    tasks = [asyncio.create_task(inside(gate, entered, n, go)) for n in range(3)]
    await asyncio.sleep(0)

    with pytest.raises(OverloadedError):
        await inside(gate, entered, 3, go)

    go.set()
    await asyncio.gather(*tasks)
    assert entered == [0, 1, 2]


async def test_whoever_goes_away_makes_room() -> None:
    gate, entered, go = Gate(most=1, queue=1), list[int](), asyncio.Event()
    tasks = [asyncio.create_task(inside(gate, entered, n, go)) for n in range(2)]
    await asyncio.sleep(0)
    tasks[1].cancel()
    await asyncio.gather(tasks[1], return_exceptions=True)

    last = asyncio.create_task(inside(gate, entered, 2, go))
    go.set()
    await asyncio.gather(tasks[0], last)

    assert entered == [0, 2]
