"""Hashing passwords: off the loop, a bounded number at a time, with a queue that ends."""

import asyncio
import os
import threading

import pytest

from shared.runtime.overload import OverloadedError
from shared.runtime.passwords import PasswordHasher


def hasher(waiting: list[int] | None = None, *, queue: int = 3) -> PasswordHasher:
    on_wait = (lambda _: None) if waiting is None else waiting.append
    return PasswordHasher(workers=1, passes=1, memory_kib=64, queue=queue, on_wait=on_wait)


async def test_whoever_finds_the_queue_full_is_told_so_and_the_rest_are_served() -> None:
    waiting: list[int] = []
    passwords = hasher(waiting)
    stored = await passwords.hash("a password")

    asked = [passwords.matches(stored, "a password") for _ in range(50)]
    outcomes = await asyncio.gather(*asked, return_exceptions=True)

    assert outcomes.count(True) == 4  # one at work, three waiting
    assert sum(isinstance(outcome, OverloadedError) for outcome in outcomes) == 46
    assert max(waiting) == 3
    assert waiting[-1] == 0
    assert await passwords.matches(stored, "a password")
    passwords.close()


async def test_whoever_goes_away_makes_room() -> None:
    passwords = hasher(queue=1)
    stored = await passwords.hash("a password")
    first, second = (
        asyncio.ensure_future(passwords.matches(stored, "a password")) for _ in range(2)
    )
    await asyncio.sleep(0)
    with pytest.raises(OverloadedError):
        await passwords.matches(stored, "a password")
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)

    assert await passwords.matches(stored, "a password")
    assert await first
    passwords.close()


async def test_hashing_yields_the_processor_to_the_loop() -> None:
    passwords = hasher()

    def priority() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    ours = priority()
    theirs = await asyncio.get_running_loop().run_in_executor(passwords._pool, priority)

    assert theirs > ours  # on Linux, where threads have a priority of their own
    passwords.close()
