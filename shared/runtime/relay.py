"""The outbox relay: publishes committed events in order, each with a gapless number (D7).

One leader a database, by advisory lock; it gives numbers to committed rows in the order of
their positions, publishes them with an idempotent producer and `acks=all`, and moves its
position after the acknowledgement. After a crash it sends again what was numbered but not
acknowledged: same id, same number, so consumers drop the repeats.

Never `position > last`: a transaction that took its position early may commit late. A row is
found because it has no number, whenever it becomes visible.
"""

import asyncio
import time
import zlib
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import asyncpg
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from prometheus_client import CollectorRegistry, Counter, Gauge

from shared.runtime import failpoints, logging
from shared.runtime.kafka import KafkaAccess, idempotent_producer
from shared.runtime.outbox import CHANNEL, REPLAY
from shared.runtime.postgres import LOST
from shared.runtime.publishing import publish

_log = logging.get("relay")
_MEASURE_SECONDS = 2.0  # how old the gauges may be

# The planner is kept to the one index of the outbox: its statistics lag far behind a table
# that fills within minutes, and a wrong guess here would read a day of events a batch.
_SESSION = (
    "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; "
    "SET enable_bitmapscan = off; SET synchronous_commit = on"
)

_COLUMNS = "o.sequence, o.id, o.aggregatetype, o.aggregateid, o.type, o.payload::text, "
_COLUMNS += "o.occurred_at, o.traceparent"

_ASSIGN = f"""
WITH fresh AS MATERIALIZED (
  SELECT position, occurred_at FROM outbox
  WHERE sequence IS NULL ORDER BY position LIMIT $2
), numbered AS MATERIALIZED (
  SELECT position, occurred_at, row_number() OVER (ORDER BY position) AS n FROM fresh
), counter AS (
  UPDATE outbox_relays
  SET assigned = assigned + (SELECT count(*) FROM numbered), updated_at = now()
  WHERE source = $1 AND EXISTS (SELECT FROM numbered)
  RETURNING assigned - (SELECT count(*) FROM numbered) AS base
)
UPDATE outbox o SET sequence = counter.base + numbered.n
FROM numbered, counter
WHERE o.sequence IS NULL AND o.position = numbered.position
  AND o.occurred_at = numbered.occurred_at
RETURNING {_COLUMNS}
"""

_NUMBERED = f"""
SELECT {_COLUMNS} FROM outbox o
WHERE o.sequence > $1 ORDER BY o.sequence LIMIT $2
"""

_PUBLISHED = "UPDATE outbox_relays SET published = $2, updated_at = now() WHERE source = $1"


class RelayMetrics:
    """What an operator watches: how much waits, for how long, and who leads."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, text: str) -> Gauge:
            return Gauge(f"mithril_outbox_{name}", text, registry=registry)

        self.published = Counter(
            "mithril_outbox_published", "Events acknowledged by Kafka.", registry=registry
        )
        self.waiting = gauge("waiting", "Events committed and not yet acknowledged.")
        self.age = gauge("oldest_age_seconds", "Age of the oldest event not acknowledged.")
        self.leading = gauge("leading", "1 where this process runs the relay.")
        self.failures = Counter(
            "mithril_outbox_failures", "Relay attempts that failed.", registry=registry
        )


class Relay:
    """Publishes the outbox of one database under one CloudEvents source."""

    def __init__(
        self,
        *,
        database_url: str,
        kafka: KafkaAccess,
        source: str,
        metrics: RelayMetrics,
        batch: int = 1000,
        idle: float = 1.0,
        linger: float = 0.025,
    ) -> None:
        self._database_url = database_url
        self._kafka = kafka
        self._source = source
        self._metrics = metrics
        self._batch = batch
        self._idle = idle
        # Under a trickle of events, each would cost a round of its own, on the same loop as
        # the requests that make them: a moment's wait gathers several.
        self._linger = linger
        self._woken = asyncio.Event()
        self._replay_asked = False
        self._lock = zlib.crc32(f"outbox relay {source}".encode())

    def state(self) -> dict[str, float]:
        """What waits, and for how long: the gauges, for a page that people look at."""
        return {
            "waiting": _value_of(self._metrics.waiting),
            "oldest_age_seconds": round(_value_of(self._metrics.age), 3),
        }

    def wake(self) -> None:
        """Say that something was committed just now, with or without a NOTIFY of its own."""
        self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Lead when nobody else does, until `stop`; outlive PostgreSQL and Kafka."""
        monitor = asyncio.create_task(self._monitor(stop), name="outbox monitor")
        try:
            await self._lead_again_and_again(stop)
        finally:
            monitor.cancel()
            await asyncio.gather(monitor, return_exceptions=True)

    async def _lead_again_and_again(self, stop: asyncio.Event) -> None:
        delay = 0.1
        while not stop.is_set():
            try:
                await self._lead(stop)
                delay = 0.1
            except (KafkaError, asyncpg.PostgresError, *LOST) as error:
                self._metrics.failures.inc()
                _log.warning(
                    "relay interrupted", error=f"{type(error).__name__}: {error}"[:300]
                )
                await _pause(stop, delay)
                delay = min(delay * 2, 5.0)
            finally:
                self._metrics.leading.set(0)

    async def _lead(self, stop: asyncio.Event) -> None:
        conn = await asyncpg.connect(
            self._database_url,
            timeout=5,
            command_timeout=30,
            server_settings={"application_name": f"{self._source} relay"},
        )
        try:
            if not await conn.fetchval("SELECT pg_try_advisory_lock($1)", self._lock):
                await self._follow(conn, stop)
                return
            await conn.execute(_SESSION)
            await conn.add_listener(CHANNEL, self._told)
            await conn.execute(
                "INSERT INTO outbox_relays (source) VALUES ($1) ON CONFLICT DO NOTHING",
                self._source,
            )
            producer = idempotent_producer(self._kafka, client_id=f"{self._source}-relay")
            try:
                await producer.start()
                self._metrics.leading.set(1)
                await self._publish_all(conn, producer, stop)
            finally:
                with suppress(KafkaError, OSError, TimeoutError):
                    async with asyncio.timeout(5):
                        await producer.stop()
        finally:
            with suppress(asyncpg.PostgresError, *LOST):
                await conn.close(timeout=2)

    async def _follow(self, conn: asyncpg.Connection, stop: asyncio.Event) -> None:
        """While another process leads, tell it of what this one commits.

        The hot path sends no NOTIFY of its own: one a moment from here does for all.
        """
        end = time.monotonic() + 2 * self._idle
        while not stop.is_set() and (left := end - time.monotonic()) > 0:
            self._woken.clear()
            await _either(stop, self._woken, left)
            if self._woken.is_set():
                await conn.execute("SELECT pg_notify($1, '')", CHANNEL)
                await _pause(stop, self._linger)

    async def _publish_all(
        self, conn: asyncpg.Connection, producer: AIOKafkaProducer, stop: asyncio.Event
    ) -> None:
        await self._replay(conn, producer)  # it may have been asked while nobody led
        await self._send_again(conn, producer)
        while True:
            self._woken.clear()
            if self._replay_asked:
                await self._replay(conn, producer)
            rows = await conn.fetch(_ASSIGN, self._source, self._batch)
            if rows:
                failpoints.reach("relay.assigned")
                rows.sort(key=lambda row: row["sequence"])
                await self._publish(conn, producer, rows)
            elif stop.is_set():
                return
            else:
                await _either(stop, self._woken, self._idle)
                await _pause(stop, self._linger)

    async def _send_again(
        self, conn: asyncpg.Connection, producer: AIOKafkaProducer
    ) -> None:
        """Publish what an earlier leader numbered and did not see acknowledged."""
        while True:
            published = await conn.fetchval(
                "SELECT published FROM outbox_relays WHERE source = $1", self._source
            )
            rows = await conn.fetch(_NUMBERED, published, self._batch)
            if not rows:
                return
            await self._publish(conn, producer, rows)

    def _told(self, _: object, __: object, ___: object, payload: object) -> None:
        self._replay_asked = self._replay_asked or payload == REPLAY
        self._woken.set()

    async def _replay(self, conn: asyncpg.Connection, producer: AIOKafkaProducer) -> None:
        """Send what is retained again, from the number asked for; the position stays."""
        self._replay_asked = False
        row = await conn.fetchrow(
            "SELECT replay_from, published FROM outbox_relays WHERE source = $1",
            self._source,
        )
        if row["replay_from"] is None:
            return
        last = row["replay_from"] - 1
        while rows := [
            found
            for found in await conn.fetch(_NUMBERED, last, self._batch)
            if found["sequence"] <= row["published"]
        ]:
            await publish(producer, rows, source=self._source)
            last = rows[-1]["sequence"]
        await conn.execute(
            "UPDATE outbox_relays SET replay_from = NULL "
            "WHERE source = $1 AND replay_from = $2",  # unless another was asked for meanwhile
            self._source,
            row["replay_from"],
        )
        _log.info("outbox replayed", first=row["replay_from"], last=last)

    async def _publish(
        self, conn: asyncpg.Connection, producer: AIOKafkaProducer, rows: Sequence[Any]
    ) -> None:
        await publish(producer, rows, source=self._source)
        failpoints.reach("relay.acked")
        await conn.execute(_PUBLISHED, self._source, rows[-1]["sequence"])
        self._metrics.published.inc(len(rows))

    async def _monitor(self, stop: asyncio.Event) -> None:
        """Measure what waits, whoever leads and whatever it waits for.

        Apart from the relay itself, which may stand still for as long as Kafka does.
        """
        while not stop.is_set():
            with suppress(asyncpg.PostgresError, *LOST):
                conn = await asyncpg.connect(
                    self._database_url, timeout=5, command_timeout=10
                )
                try:
                    while not stop.is_set():
                        waiting, age = await conn.fetchrow(_WAITING, self._source)
                        self._metrics.waiting.set(waiting)
                        self._metrics.age.set(age)
                        await _pause(stop, _MEASURE_SECONDS)
                finally:
                    conn.terminate()
            await _pause(stop, self._idle)


def _value_of(gauge: Gauge) -> float:
    return next(sample.value for metric in gauge.collect() for sample in metric.samples)


async def ask_replay(database_url: str, *, first: int = 0) -> None:
    """Have every event retained, from a number on, sent again by whoever leads (D7).

    Ids and numbers are those of the first time, so consumers that kept their own state drop
    the repeats.
    """
    conn = await asyncpg.connect(database_url, timeout=10)
    try:
        async with conn.transaction():
            await conn.execute("UPDATE outbox_relays SET replay_from = $1", first)
            await conn.execute("SELECT pg_notify($1, $2)", CHANNEL, REPLAY)
    finally:
        await conn.close()


_WAITING = """
SELECT count(*), coalesce(extract(epoch FROM now() - min(o.occurred_at)), 0)
FROM outbox o
WHERE o.sequence IS NULL
   OR o.sequence > (SELECT published FROM outbox_relays WHERE source = $1)
"""


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()


async def _either(stop: asyncio.Event, woken: asyncio.Event, seconds: float) -> None:
    waits = [asyncio.ensure_future(stop.wait()), asyncio.ensure_future(woken.wait())]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
