"""Password hashes: argon2id, off the event loop, a bounded number at a time (D4)."""

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import argon2
import bcrypt

from shared.runtime.overload import OverloadedError

Made = TypeVar("Made")

_NICE = (
    10  # hashing takes what the requests leave of the processors, not the other way round
)


class PasswordHasher:
    """Hashes and checks. A bcrypt hash from the original is checked, and told to be renewed.

    At most `queue` wait for a worker; whoever comes then is told so by `OverloadedError`,
    before anything of theirs is kept. `on_wait` is told how many wait.
    """

    def __init__(
        self,
        *,
        workers: int,
        passes: int,
        memory_kib: int,
        queue: int,
        on_wait: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._argon2 = argon2.PasswordHasher(
            time_cost=passes, memory_cost=memory_kib, parallelism=1
        )
        self._pool = ThreadPoolExecutor(
            workers, thread_name_prefix="password", initializer=_yield_to_others
        )
        self._most = workers + queue
        self._workers = workers
        self._under_way = 0
        self._on_wait = on_wait
        # Checked when there is no such user, so that the answer takes as long as any other.
        self._nobody = self._argon2.hash("nobody has this password")

    async def hash(self, password: str) -> str:
        """A fresh argon2id hash."""
        return await self._run(self._argon2.hash, password)

    async def matches(self, stored: str | None, password: str) -> bool:
        """Whether a password is the stored one; takes its time where nothing is stored."""
        known = self._nobody if stored is None else stored
        return await self._run(self._check, known, password) and stored is not None

    def is_outdated(self, stored: str) -> bool:
        """Whether a hash that matched should be made anew."""
        if stored.startswith("$2"):
            return True
        return self._argon2.check_needs_rehash(stored)

    def close(self) -> None:
        """Let the threads go."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _check(self, stored: str, password: str) -> bool:
        if stored.startswith("$2"):
            try:
                # bcrypt reads 72 bytes and no more, as the original did.
                return bcrypt.checkpw(password.encode()[:72], stored.encode())
            except ValueError:
                return False
        try:
            return self._argon2.verify(stored, password)
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False

    async def _run(self, function: Callable[..., Made], *arguments: str) -> Made:
        if self._under_way >= self._most:
            raise OverloadedError("too many passwords at once")
        self._count(+1)
        try:
            made = asyncio.get_running_loop().run_in_executor(
                self._pool, function, *arguments
            )
            return await made
        finally:
            self._count(-1)

    def _count(self, step: int) -> None:
        self._under_way += step
        self._on_wait(max(0, self._under_way - self._workers))


def _yield_to_others() -> None:
    """Make the thread a patient one, where threads have a priority of their own."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
