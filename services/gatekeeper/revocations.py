"""Hears from Kafka which tokens work no longer, and knows whether it has heard all.

Every replica reads all partitions by itself, from now on. A round trip to the brokers tells
where each partition ended when it was sent; once all up to there is read, whatever happened
before that moment is known. If that moment is too long ago, or anything goes wrong, the cache
must not be used; what is in it goes, and hearing begins anew.
"""

import asyncio
from collections.abc import Mapping

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from services.gatekeeper.cache import TokenCache
from services.gatekeeper.domain.drops import TOPICS, DropAll, DropOf, drop_of
from services.gatekeeper.metrics import Metrics
from shared.events.envelope import read_headers
from shared.runtime import logging
from shared.runtime.kafka import KafkaAccess

_log = logging.get("revocations")
_LONGEST_PAUSE = 1.0
_STUCK_SECONDS = 3.0
_NEVER = float("-inf")


class LogChangedError(Exception):
    """The partitions are not those, or do not hold what, we have read."""


class Revocations:
    """A background task that empties the cache, and the answer to whether to trust it."""

    def __init__(
        self, kafka: KafkaAccess, cache: TokenCache, metrics: Metrics, *, silence: float
    ) -> None:
        self._kafka = kafka
        self._cache = cache
        self._metrics = metrics
        self._silence = silence
        self._as_of = _NEVER
        self._was_heard = False
        self._trouble = "not heard yet"
        self.heard = asyncio.Event()  # set while all is heard that Kafka held of late

    def is_current(self, now: float) -> bool:
        """Whether everything is known that Kafka held `silence` seconds ago."""
        return now - self._as_of <= self._silence

    async def ping(self) -> None:
        """Raise unless Kafka is heard."""
        if not self.is_current(asyncio.get_running_loop().time()):
            raise RuntimeError(self._trouble)

    async def run(self, stop: asyncio.Event) -> None:
        """Hear until `stop`; outlive Kafka."""
        pause = 0.1
        stopping = asyncio.ensure_future(stop.wait())
        try:
            while not stop.is_set():
                session = asyncio.ensure_future(self._session())
                await asyncio.wait([session, stopping], return_when=asyncio.FIRST_COMPLETED)
                heard, self._was_heard = self._was_heard, False
                if not session.done():
                    session.cancel()
                    await asyncio.gather(session, return_exceptions=True)
                    return
                self._interrupted(session, heard=heard)
                pause = 0.1 if heard else min(pause * 2, _LONGEST_PAUSE)
                await asyncio.wait([stopping], timeout=pause)
        finally:
            stopping.cancel()

    async def _session(self) -> None:
        consumer = AIOKafkaConsumer(
            *TOPICS,
            client_id="gatekeeper",
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="latest",
            fetch_max_wait_ms=100,
            request_timeout_ms=2_000,
            metadata_max_age_ms=2_000,
            retry_backoff_ms=50,
            **self._kafka.options(),
        )
        # Shielded: aiokafka leaves connections open where a start is broken off.
        starting = asyncio.ensure_future(consumer.start())
        try:
            await asyncio.shield(starting)
            hearing = _Hearing(consumer, await _ends_of(consumer, _placed(consumer)))
            self._cache.clear()  # whatever happened before is not heard of
            async with asyncio.TaskGroup() as group:
                group.create_task(self._read(consumer, hearing))
                group.create_task(self._ask(consumer, hearing))
        finally:
            self._forget()
            await asyncio.gather(starting, return_exceptions=True)
            await _stop(consumer)

    async def _read(self, consumer: AIOKafkaConsumer, hearing: "_Hearing") -> None:
        while True:
            found = await consumer.getmany(timeout_ms=200)
            for partition, records in found.items():
                hearing.take(partition, records)
                for record in records:
                    self._hear(record)
            self._settle(hearing)

    async def _ask(self, consumer: AIOKafkaConsumer, hearing: "_Hearing") -> None:
        """Ask the brokers again and again where the partitions end."""
        now = asyncio.get_running_loop().time
        while True:
            asked_at = now()
            async with asyncio.timeout(max(self._silence, 0.5)):
                ends = await _ends_of(consumer, hearing.partitions)
            hearing.learn(consumer, ends, asked_at)
            self._settle(hearing)
            await asyncio.sleep(self._silence / 5)

    def _settle(self, hearing: "_Hearing") -> None:
        as_of = hearing.settled()
        if as_of is not None:
            self._as_of, self._was_heard = as_of, True
            self.heard.set()
            self._metrics.current.set(1)
        self._metrics.entries.set(len(self._cache))

    def _hear(self, record: ConsumerRecord) -> None:
        drop = drop_of(_type_of(record), record.value)
        self._cache.drop(drop)
        match drop:
            case DropAll():
                self._metrics.events.labels("everything").inc()
            case DropOf():
                self._metrics.events.labels("some").inc()
            case _:
                self._metrics.events.labels("nothing").inc()

    def _forget(self) -> None:
        self._as_of = _NEVER
        self.heard.clear()
        self._metrics.current.set(0)
        self._cache.clear()

    def _interrupted(self, session: "asyncio.Future[None]", *, heard: bool) -> None:
        error = session.exception()
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        if not isinstance(error, (KafkaError, OSError, LogChangedError)):
            raise error or RuntimeError("hearing ended by itself")
        trouble = (str(error) or type(error).__name__).splitlines()[0][:300]
        self._metrics.interruptions.inc()
        if heard or trouble != self._trouble:  # not once a second while it lasts
            _log.warning("revocations are not heard", error=trouble)
        self._trouble = trouble


class _Hearing:
    """How far a session has read, and how far it must have read to know a moment."""

    def __init__(
        self, consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int]
    ) -> None:
        self.partitions = frozenset(ends)
        self._next = dict(ends)
        self._wanted: tuple[float, Mapping[TopicPartition, int]] | None = None
        for partition, end in ends.items():
            consumer.seek(partition, end)

    def take(self, partition: TopicPartition, records: list[ConsumerRecord]) -> None:
        """Note what was read; it must follow what was read before."""
        if records[0].offset < self._next[partition]:
            raise LogChangedError("records came again")
        self._next[partition] = records[-1].offset + 1

    def learn(
        self,
        consumer: AIOKafkaConsumer,
        ends: Mapping[TopicPartition, int],
        asked_at: float,
    ) -> None:
        """Hear where the partitions ended after `asked_at`."""
        if consumer.assignment() != self.partitions:
            raise LogChangedError("there are other partitions than before")
        if any(end < self._next[partition] for partition, end in ends.items()):
            raise LogChangedError("there is less to read than was read")
        if self._wanted is None:
            self._wanted = (asked_at, ends)
        elif asked_at - self._wanted[0] > _STUCK_SECONDS:
            raise LogChangedError("there is something to read that does not come")

    def settled(self) -> float | None:
        """The moment that is now known whole, if there is a new one."""
        if self._wanted is None:
            return None
        moment, ends = self._wanted
        if any(self._next[partition] < end for partition, end in ends.items()):
            return None
        self._wanted = None
        return moment


def _type_of(record: ConsumerRecord) -> str | None:
    """The event's type; none where its headers are no CloudEvent's."""
    try:
        kind = read_headers(dict(record.headers)).get("type")
    except (AttributeError, TypeError, ValueError):
        return None
    return None if kind is None else str(kind)


async def _stop(consumer: AIOKafkaConsumer) -> None:
    """Stop a consumer, and close what it leaves open where its own stop is broken off.

    That of aiokafka 0.14 cancels a fetch which waits to try again, and ends by that itself.
    """
    stopping = asyncio.ensure_future(consumer.stop())
    await asyncio.wait([stopping])
    if stopping.cancelled() or stopping.exception() is not None:
        await consumer._client.close()  # noqa: SLF001 — see above


def _placed(consumer: AIOKafkaConsumer) -> frozenset[TopicPartition]:
    partitions: frozenset[TopicPartition] = frozenset(consumer.assignment())
    missing = set(TOPICS) - {partition.topic for partition in partitions}
    if missing:
        raise LogChangedError(f"there is no topic {', '.join(sorted(missing))} yet")
    return partitions


async def _ends_of(
    consumer: AIOKafkaConsumer, partitions: frozenset[TopicPartition]
) -> dict[TopicPartition, int]:
    ends: dict[TopicPartition, int] = await consumer.end_offsets(list(partitions))
    return ends
