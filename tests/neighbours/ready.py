"""Telling when a server answers, asked the way a client asks."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

import asyncpg
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

T = TypeVar("T")

_PAUSE_SECONDS = 0.1


def run_aside(work: Callable[[], Coroutine[None, None, T]]) -> T:
    """Run a coroutine to its end in a loop of its own, whatever loop is running here."""
    with ThreadPoolExecutor(max_workers=1) as aside:
        return aside.submit(lambda: asyncio.run(work())).result()


def wait_for_postgres(url: str, *, seconds: float) -> None:
    """Return when the server answers a query.

    Raises:
        TimeoutError: it did not in time.
    """

    async def ask() -> None:
        async with asyncio.timeout(seconds):
            while True:
                with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                    connection = await asyncpg.connect(url)
                    await connection.close()
                    return
                await asyncio.sleep(_PAUSE_SECONDS)

    run_aside(ask)


def wait_for_kafka(bootstrap: str, *, seconds: float, alive: Callable[[], bool]) -> None:
    """Return when the broker tells of itself, or is no longer alive.

    Raises:
        TimeoutError: it did not in time.
    """
    client = AdminClient(
        {
            "bootstrap.servers": bootstrap,
            "reconnect.backoff.ms": 20,
            "reconnect.backoff.max.ms": 50,
            # That it refuses connections at first is what is waited out.
            "log_level": 0,
        }
    )
    deadline = time.monotonic() + seconds
    while alive():
        with suppress(KafkaException):
            if client.list_topics(timeout=0.5).brokers:
                return
        if time.monotonic() > deadline:
            raise TimeoutError(f"no broker answers at {bootstrap} after {seconds} s")
