"""Topic `abac.facts` into the database: read, keep, then move on.

At least once, which is enough: a fact that comes again is no later than itself. Offsets are
committed after the transaction, so a process that dies anywhere reads again what it may not
have kept. A record that tells nothing we can keep goes to the dead-letter topic as it came,
before its offset is committed. While PostgreSQL is away nothing more is read.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import (
    CommitFailedError,
    IllegalStateError,
    KafkaError,
    MessageSizeTooLargeError,
)

from services.abac_api.actions.keep_facts import keep_each
from services.abac_api.deps import Deps
from services.abac_api.domain.records import Reason, Unfit
from services.abac_api.domain.told import Outcome, Told
from services.abac_api.metrics import Metrics
from services.abac_api.records import told_of_record
from shared.events.abac import FactUpserted
from shared.runtime import failpoints, logging, tracing
from shared.runtime.kafka import KafkaAccess, idempotent_producer
from shared.runtime.postgres import DatabaseUnavailableError

TOPIC = FactUpserted.topic
DEAD_LETTERS = f"{TOPIC}.dead-letter"

_log = logging.get("facts")
_LONGEST_PAUSE = 5.0
_POLL_MS = 500


class FactsConsumer:
    """A background task of abac-api; replicas share the partitions as one group."""

    def __init__(
        self,
        *,
        deps: Deps,
        metrics: Metrics,
        kafka: KafkaAccess,
        topic: str = TOPIC,
        dead_letters: str = DEAD_LETTERS,
    ) -> None:
        self._deps = deps
        self._metrics = metrics
        self._kafka = kafka
        self._topic = topic
        self._dead_letters = dead_letters

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop`; outlive Kafka and PostgreSQL."""
        delay = 0.1
        while not stop.is_set():
            try:
                await self._consume(stop)
                delay = 0.1
            except (KafkaError, OSError) as error:
                self._failed(error)
                await _pause(stop, delay)
                delay = min(delay * 2, _LONGEST_PAUSE)

    async def _consume(self, stop: asyncio.Event) -> None:
        settings = self._deps.settings
        consumer = AIOKafkaConsumer(
            self._topic,
            group_id=settings.facts_group,
            client_id="abac-api-facts",
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            max_poll_records=settings.facts_batch,
            metadata_max_age_ms=10_000,  # until then a topic made meanwhile is not seen
            retry_backoff_ms=100,
            **self._kafka.options(),
        )
        producer = idempotent_producer(self._kafka, client_id="abac-api-dead-letters")
        try:
            await consumer.start()
            await producer.start()
            mine: frozenset[TopicPartition] = frozenset()
            while not stop.is_set():
                found = await consumer.getmany(timeout_ms=_POLL_MS)
                if mine != (mine := consumer.assignment()):
                    self._metrics.facts_lag.clear()  # of those that are another's now
                for part, held in found.items():
                    self._lags(consumer, part, next_offset=held[0].offset)
                records = [record for part in found.values() for record in part]
                if records and await self._keep(records, producer, stop):
                    failpoints.reach("facts.kept")
                    await self._move_on(consumer, found)
        finally:
            await consumer.stop()
            await producer.stop()

    async def _keep(
        self, records: Sequence[Any], producer: AIOKafkaProducer, stop: asyncio.Event
    ) -> bool:
        """Keep a batch, however long PostgreSQL is away; false where `stop` came first."""
        delay = 0.1
        while not stop.is_set():
            try:
                seen = ((record.topic, record.headers) for record in records)
                with tracing.consuming(seen, group=self._deps.settings.facts_group):
                    await self._try_to_keep(records, producer)
            except DatabaseUnavailableError as error:
                self._failed(error)
                await _pause(stop, delay)
                delay = min(delay * 2, _LONGEST_PAUSE)
            else:
                return True
        return False

    async def _try_to_keep(
        self, records: Sequence[Any], producer: AIOKafkaProducer
    ) -> None:
        failpoints.reach("facts.read")
        now = self._deps.clock.now()
        judged = [(record, told_of_record(record, now=now)) for record in records]
        good = [(record, told) for record, told in judged if isinstance(told, Told)]
        bad = [(record, unfit) for record, unfit in judged if isinstance(unfit, Unfit)]
        outcomes = await keep_each(self._deps.db, [told for _, told in good])
        for (record, told), outcome in zip(good, outcomes, strict=True):
            self._metrics.facts.labels(told.kind.value, outcome.value).inc()
            if outcome is Outcome.REFUSED:
                bad.append((record, Unfit(reason=Reason.REFUSED, detail=told.kind.value)))
        await asyncio.gather(
            *(self._bury(record, unfit, producer) for record, unfit in bad)
        )

    async def _bury(self, record: Any, unfit: Unfit, producer: AIOKafkaProducer) -> None:
        """Put a record aside as it came, with headers that say why and from where.

        Only of one that is as large as a record may be, its place alone.
        """
        where = {
            "dead_letter_reason": unfit.reason.value,
            "dead_letter_detail": unfit.detail,
            "dead_letter_topic": record.topic,
            "dead_letter_partition": str(record.partition),
            "dead_letter_offset": str(record.offset),
        }
        headers = [
            *record.headers,
            *((name, text.encode()) for name, text in where.items()),
        ]
        send, topic = producer.send_and_wait, self._dead_letters
        try:
            await send(topic, value=record.value, key=record.key, headers=headers)
        except MessageSizeTooLargeError:  # with our headers; it stays where they say it is
            await send(topic, value=None, key=record.key, headers=headers)
        failpoints.reach("facts.put-aside")
        self._metrics.dead_letters.labels(unfit.reason.value).inc()
        _log.warning("fact put aside", **where)

    def _failed(self, error: Exception) -> None:
        self._metrics.consumer_failures.inc()
        _log.warning("facts interrupted", error=f"{type(error).__name__}: {error}"[:300])

    async def _move_on(
        self, consumer: AIOKafkaConsumer, found: Mapping[TopicPartition, Sequence[Any]]
    ) -> None:
        """Commit the offsets of a batch that is kept."""
        ends = {part: records[-1].offset + 1 for part, records in found.items()}
        try:
            await consumer.commit(ends)
        except (CommitFailedError, IllegalStateError) as error:
            self._failed(error)  # partitions went to another replica, which reads it again
        for part, end in ends.items():
            self._lags(consumer, part, next_offset=end)

    def _lags(
        self, consumer: AIOKafkaConsumer, part: TopicPartition, *, next_offset: int
    ) -> None:
        lag = max(0, (consumer.highwater(part) or next_offset) - next_offset)
        self._metrics.facts_lag.labels(str(part.partition)).set(lag)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
