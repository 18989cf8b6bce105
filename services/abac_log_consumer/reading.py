"""Reads Kafka from where the database says, and notices a log that was replaced by another.

Kafka's own committed offsets are not relied on. A partition is read from one record before
its position: if that record is not the one recorded last, or is gone, this is another log (a
broker lost its data), and it is read from its beginning. What was recorded before is dropped
by its event ids.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from services.abac_log_consumer.actions.record import digest_of
from services.abac_log_consumer.domain.records import TOPICS, Delivered
from services.abac_log_consumer.metrics import Metrics
from services.abac_log_consumer.settings import Settings
from services.abac_log_consumer.store.recording import Chain, Place
from shared.runtime import logging

_log = logging.get("reading")
_NEW = Chain(next_offset=0, last_digest=b"", chain_sequence=0, head_hash=b"")

POLLED = 4  # transactions' worth of records: while one is recorded the next is understood

Find = Callable[[Sequence[Place]], Awaitable[Mapping[Place, Chain]]]


class Reader(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is untyped
    """One member of the consumer group; `find` tells where the database stands."""

    def __init__(self, settings: Settings, metrics: Metrics, find: Find) -> None:
        self._most = settings.batch_most * POLLED
        self._recheck = settings.recheck_seconds
        self._metrics = metrics
        self._find = find
        self._assigned: set[TopicPartition] = set()  # by the group, and not yet placed
        self._at: dict[TopicPartition, Chain] = {}
        self._unsure: dict[
            TopicPartition, float
        ] = {}  # since when the log is to be checked
        self._heard: dict[TopicPartition, float] = {}
        self._committed: dict[TopicPartition, int] = {}
        self.joined = False
        self._consumer = AIOKafkaConsumer(
            group_id=settings.consumer_group,
            client_id="abac-log-consumer",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=settings.session_timeout_ms,
            heartbeat_interval_ms=settings.session_timeout_ms // 4,
            metadata_max_age_ms=10_000,
            **settings.kafka().options(),
        )

    async def start(self) -> None:
        """Join the group."""
        self._consumer.subscribe(TOPICS, listener=self)
        await self._consumer.start()

    async def stop(self) -> None:
        """Leave the group."""
        self.joined = False
        with suppress(KafkaError, OSError, TimeoutError):
            async with asyncio.timeout(5):
                await self._consumer.stop()

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Forget what another member may take over."""
        for partition in revoked:
            self._assigned.discard(partition)
            for known in (self._at, self._unsure, self._heard):
                known.pop(partition, None)

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Have these placed before they are read."""
        self._assigned |= set(assigned)
        self.joined = True

    async def poll(self) -> list[Delivered]:
        """What comes next, in order a partition; nothing if nothing comes for a while."""
        await self._place()
        found = await self._consumer.getmany(timeout_ms=250, max_records=self._most)
        batch: list[Delivered] = []
        for partition, records in found.items():
            batch += await self._checked(partition, records)
        await self._check_quiet()
        self._measure()
        return batch

    def settle(self, chains: Mapping[Place, Chain]) -> None:
        """Hear where chains stand after a batch was recorded."""
        for place, chain in chains.items():
            partition = TopicPartition(*place)
            if partition in self._at:
                self._at[partition] = chain

    async def commit(self) -> None:
        """Tell Kafka our positions, for those who look there; nothing depends on it."""
        offsets = {item: chain.next_offset for item, chain in self._at.items()}
        if not offsets or offsets == self._committed:
            return
        self._committed = offsets
        with suppress(CommitFailedError, IllegalStateError):  # a rebalance is under way
            await self._consumer.commit(offsets)

    async def _place(self) -> None:
        """Start what was assigned one record before where the database stands."""
        assigned, self._assigned = self._assigned, set()
        if not assigned:
            return
        try:
            known = await self._find([Place(*item) for item in sorted(assigned)])
        except BaseException:
            self._assigned |= assigned
            raise
        for partition in assigned & self._consumer.assignment():
            self._at[partition] = known.get(Place(*partition), _NEW)
            self._step_back(partition)

    def _step_back(self, partition: TopicPartition) -> None:
        moment = asyncio.get_running_loop().time()
        self._heard[partition] = moment
        position = self._at[partition].next_offset
        self._consumer.seek(partition, max(0, position - 1))
        if position > 0:
            self._unsure[partition] = moment

    async def _checked(
        self, partition: TopicPartition, records: Sequence[ConsumerRecord]
    ) -> list[Delivered]:
        """Those that are to be recorded, once it is known that the log is the one we read."""
        if partition not in self._at or not records:
            return []  # fetched before it was placed
        self._heard[partition] = asyncio.get_running_loop().time()
        delivered = [_delivered(record) for record in records]
        first, chain = delivered[0], self._at[partition]
        if self._unsure.pop(partition, None) is None or first.offset >= chain.next_offset:
            if first.offset < chain.next_offset:  # sent back to the beginning by the broker
                self._count_reset(partition)
            return delivered
        same = (first.offset + 1, digest_of(first)) == (
            chain.next_offset,
            chain.last_digest,
        )
        if same:
            return delivered[1:]
        await self._rewind(partition)
        return []

    async def _check_quiet(self) -> None:
        """See that a partition which says nothing still holds the record read last."""
        moment = asyncio.get_running_loop().time()
        for partition, chain in list(self._at.items()):
            if partition not in self._consumer.assignment():
                continue
            if moment - self._heard[partition] < self._recheck:
                continue
            if partition not in self._unsure:
                self._step_back(partition)
                continue
            self._heard[partition] = moment
            end = self._consumer.highwater(partition)
            if end is not None and end < chain.next_offset:
                await self._rewind(partition)

    async def _rewind(self, partition: TopicPartition) -> None:
        self._count_reset(partition)
        self._unsure.pop(partition, None)
        self._at[partition] = replace(self._at[partition], next_offset=0, last_digest=b"")
        await self._consumer.seek_to_beginning(partition)

    def _count_reset(self, partition: TopicPartition) -> None:
        self._metrics.resets.labels(partition.topic).inc()
        _log.warning(
            "another log than before, read from its beginning",
            topic=partition.topic,
            partition=partition.partition,
        )

    def _measure(self) -> None:
        for partition, chain in self._at.items():
            end = self._consumer.highwater(partition)
            if end is not None:
                lag = self._metrics.lag.labels(partition.topic, partition.partition)
                lag.set(max(0, end - chain.next_offset))


def _delivered(record: ConsumerRecord) -> Delivered:
    return Delivered(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=record.key,
        value=record.value,
        headers=tuple(record.headers),
    )
