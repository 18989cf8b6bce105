"""Rows of the outbox as Kafka records: CloudEvents in binary mode, in order a partition (D8)."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import DefaultPartitioner

from shared.events.envelope import headers
from shared.runtime import tracing


async def publish(producer: AIOKafkaProducer, rows: Sequence[Any], *, source: str) -> None:
    """Send rows of the outbox, in order a partition, and wait for every acknowledgement.

    Batches are built here, a partition each: one future a batch instead of one a record.
    """
    partitions: dict[str, list[int]] = {}
    by_partition: dict[tuple[str, int], list[Any]] = defaultdict(list)
    for row in rows:
        topic, key = row["aggregatetype"], row["aggregateid"].encode()
        if topic not in partitions:
            partitions[topic] = sorted(await producer.partitions_for(topic))
        by_partition[topic, _partition_of(key, tuple(partitions[topic]))].append(row)
    with tracing.sending(rows) as hops:
        await _send(producer, by_partition, source, hops)


async def _send(
    producer: AIOKafkaProducer,
    by_partition: Mapping[tuple[str, int], Sequence[Any]],
    source: str,
    hops: Mapping[UUID, str],
) -> None:
    sends = []
    for (topic, partition), part in by_partition.items():
        batch = producer.create_batch()
        for row in part:
            if not _append(batch, row, source, hops):
                sends.append(await producer.send_batch(batch, topic, partition=partition))
                batch = producer.create_batch()
                _append(batch, row, source, hops)
        sends.append(await producer.send_batch(batch, topic, partition=partition))
    await asyncio.gather(*sends)


@lru_cache(maxsize=65_536)  # the hash is plain Python, and keys come again and again
def _partition_of(key: bytes, partitions: tuple[int, ...]) -> int:
    return int(DefaultPartitioner()(key, list(partitions), list(partitions)))


def _append(batch: Any, row: Any, source: str, hops: Mapping[UUID, str]) -> bool:
    made = headers(
        event_id=row["id"],
        source=source,
        event_type=row["type"],
        at=row["occurred_at"],
        sequence=row["sequence"],
        subject=row["aggregateid"],
        traceparent=row["traceparent"],
        hop=hops.get(row["id"]),
    )
    appended = batch.append(
        key=row["aggregateid"].encode(),
        value=row["payload"].encode(),
        timestamp=int(row["occurred_at"].timestamp() * 1000),
        headers=made,
    )
    return appended is not None
