"""A closed-loop HTTP load: each connection sends its next request when it has an answer.

A protocol of its own, because a client library would cost more than the server under test
and both share two cores. Every answer's status is counted; a wrong one fails the run.
"""

import asyncio
import itertools
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import asyncpg


@dataclass
class Load:
    """What came of a run."""

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Answers a second."""
        return sum(self.statuses.values()) / self.seconds

    def quantile(self, share: float) -> float:
        """A latency in seconds."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]

    def failed(self, wanted: int) -> int:
        """How many answers had another status than the one wanted."""
        return sum(count for status, count in self.statuses.items() if status != wanted)


class _Connection(asyncio.Protocol):
    def __init__(self, next_request: Callable[[], bytes], load: Load, end: float) -> None:
        self._next = next_request
        self._load = load
        self._end = end
        self._buffer = b""
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # of TCP
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        at = head.lower().index(b"content-length: ") + 16
        if len(body) < int(head[at:].split(b"\r\n", 1)[0]):
            return
        now = time.perf_counter()
        self._buffer = b""
        self._load.statuses[int(head[9:12])] += 1
        self._load.latencies.append(now - self._sent)
        if now < self._end:
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, _: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)

    def _send(self) -> None:
        self._sent = time.perf_counter()
        self._transport.write(self._next())


async def run(
    port: int, next_request: Callable[[], bytes], *, connections: int, seconds: float
) -> Load:
    """Load 127.0.0.1:port for a while."""
    load = Load()
    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    made = [
        await loop.create_connection(
            lambda: _Connection(next_request, load, started + seconds), "127.0.0.1", port
        )
        for _ in range(connections)
    ]
    await asyncio.gather(*(protocol.done for _, protocol in made))
    load.seconds = time.perf_counter() - started
    return load


async def run_lone(
    port: int, next_request: Callable[[], bytes], *, count: int, pause: float
) -> Load:
    """Requests that nothing else goes on beside: each is sent when all is quiet again."""
    load = Load()
    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    for _ in range(count):
        await asyncio.sleep(pause)
        _, protocol = await loop.create_connection(
            lambda: _Connection(next_request, load, end=0.0), "127.0.0.1", port
        )
        await protocol.done
    load.seconds = time.perf_counter() - started
    return load


def post(path: str, body: bytes, *, port: int, bearer: str | None = None) -> bytes:
    """A POST of JSON as it goes over the wire."""
    authorization = "" if bearer is None else f"Authorization: Bearer {bearer}\r\n"
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{authorization}"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def get(path: str, *, port: int, bearer: str) -> bytes:
    """A GET as it goes over the wire."""
    return (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        f"Authorization: Bearer {bearer}\r\n\r\n"
    ).encode()


def shuffled(requests: Sequence[bytes]) -> Callable[[], bytes]:
    """Endless requests in a random order, the same for every run."""
    order = list(requests)
    random.Random(1).shuffle(order)
    return itertools.cycle(order).__next__


def checked(made: Load, status: int) -> Load:
    """The same, if every answer had the status wanted; raises otherwise."""
    if made.failed(status):
        raise RuntimeError(f"wrong answers: {dict(made.statuses)}")
    return made


async def drained(url: str) -> float:
    """Seconds until nothing waits in the outbox."""
    conn = await asyncpg.connect(url)
    started = time.perf_counter()
    try:
        while True:
            waits = await conn.fetchval(
                "SELECT EXISTS (SELECT FROM outbox WHERE sequence IS NULL) "
                "OR EXISTS (SELECT FROM outbox_relays WHERE published < assigned)"
            )
            if not waits:
                return time.perf_counter() - started
            await asyncio.sleep(0.02)
    finally:
        await conn.close()
