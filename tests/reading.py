"""Reading what was published, as a consumer of ours would."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.events.envelope import read_headers


@dataclass(frozen=True, kw_only=True)
class Published:
    """A record as it stands in Kafka."""

    id: str
    sequence: int
    type: str
    source: str
    key: str
    partition: int
    offset: int
    headers: dict[str, bytes]
    data: dict[str, Any]


async def read(
    bootstrap: str,
    topic: str,
    *,
    source: str,
    until: Callable[[list[Published]], bool],
    within: float = 30.0,
) -> list[Published]:
    """Read a topic from its beginning until the records of a source satisfy `until`."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False
    )
    await consumer.start()
    found: list[Published] = []
    try:
        async with asyncio.timeout(within):
            partitions = await consumer._client._wait_on_metadata(topic)
            consumer.assign([TopicPartition(topic, number) for number in partitions])
            while not until(found):
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found += [
                        made
                        for record in records
                        if (made := _published(record)).source == source
                    ]
    finally:
        await consumer.stop()
    return found


def _published(record: Any) -> Published:
    headers = dict(record.headers)
    attributes = read_headers(headers)
    return Published(
        id=attributes["id"],
        sequence=int(attributes["sequence"]),
        type=attributes["type"],
        source=attributes["source"],
        key=record.key.decode(),
        partition=record.partition,
        offset=record.offset,
        headers=headers,
        data=orjson.loads(record.value),
    )


def once(records: list[Published]) -> list[Published]:
    """Each event once, in order of its number: what an idempotent consumer keeps."""
    by_id: dict[str, Published] = {}
    for record in records:
        by_id.setdefault(record.id, record)
    return sorted(by_id.values(), key=lambda record: record.sequence)


def is_ordered_by_key(records: list[Published]) -> bool:
    """Whether first deliveries of each key come in the order of their numbers."""
    seen: set[str] = set()
    last: dict[str, int] = {}
    for record in sorted(records, key=lambda item: (item.partition, item.offset)):
        if record.id in seen:
            continue
        seen.add(record.id)
        if record.sequence < last.get(record.key, 0):
            return False
        last[record.key] = record.sequence
    return True
