"""Facts as records of the topic, and waiting for what comes of them."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from services.abac_api.domain.told import Told
from shared.events.abac import FactUpserted, FactWithdrawn
from shared.events.envelope import headers


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A record of the topic."""

    key: bytes
    value: bytes | None
    headers: list[tuple[str, bytes]]


def event_of(item: Told) -> FactUpserted | FactWithdrawn:
    if item.fact is None:
        return FactWithdrawn(kind=item.kind, id=item.id)
    fields = orjson.loads(orjson.dumps(item.fact, default=str))
    del fields["id"]
    return FactUpserted(kind=item.kind, id=item.id, fact=fields)


def record_of(item: Told) -> Sent:
    event = event_of(item)
    made = headers(
        event_id=item.event_id,
        source="registry",
        event_type=event.type,
        at=item.at,
        sequence=1,
        subject=event.key(),
        traceparent=None,
    )
    return Sent(key=event.key().encode(), value=event.payload(), headers=made)


def but(sent: Sent, **attributes: str | None) -> Sent:
    """A record with CloudEvents attributes changed, or left out."""
    changed = {f"ce_{name}": value for name, value in attributes.items()}
    kept = [(name, value) for name, value in sent.headers if name not in changed]
    new = [(name, value.encode()) for name, value in changed.items() if value is not None]
    return replace(sent, headers=kept + new)


async def until(condition: Callable[[], Any], *, within: float = 60.0) -> None:
    """Return when a metric or the database says so; they can only be asked."""
    async with asyncio.timeout(within):
        while True:
            made = condition()
            if await made if asyncio.iscoroutine(made) else made:
                return
            await asyncio.sleep(0.02)


async def send_to(bootstrap: str, topic: str, records: Sequence[Sent]) -> None:
    """Publish records in order."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", max_request_size=2_000_000
    )
    await producer.start()
    try:
        for sent in records:
            await producer.send_and_wait(
                topic, key=sent.key, value=sent.value, headers=sent.headers
            )
    finally:
        await producer.stop()


async def read(
    bootstrap: str, topic: str, *, until: Callable[[list[Any]], bool]
) -> list[Any]:
    """Read raw records from the beginning until they satisfy `until`."""
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        auto_offset_reset="earliest",
        metadata_max_age_ms=500,
    )
    await consumer.start()
    found: list[Any] = []
    try:
        async with asyncio.timeout(30):
            while not until(found):
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found += records
    finally:
        await consumer.stop()
    return found
