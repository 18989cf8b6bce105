"""Reads the checkpoints that left for Kafka: the copy that the database cannot alter."""

from collections.abc import AsyncIterator

from aiokafka import AIOKafkaConsumer

from shared.events.audit import CheckpointSigned
from shared.runtime.kafka import KafkaAccess


async def published_checkpoints(access: KafkaAccess) -> AsyncIterator[bytes]:
    """The topic from its beginning to its end as it is now, a JSON object each.

    What is no checkpoint is left out. Whether one was signed by a key of ours is for
    verification to say. One may come twice: a relay delivers at least once.
    """
    consumer = AIOKafkaConsumer(
        CheckpointSigned.topic,
        client_id="abac-log-consumer-checkpoints",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        **access.options(),
    )
    await consumer.start()
    try:
        left = {
            partition: end
            for partition, end in (
                await consumer.end_offsets(consumer.assignment())
            ).items()
            if end > await consumer.position(partition)
        }
        while left:
            found = await consumer.getmany(*left, timeout_ms=1000)
            for partition, records in found.items():
                for record in records:
                    kind = dict(record.headers).get("ce_type", b"")
                    is_ours = kind == CheckpointSigned.type.encode()
                    if is_ours and record.value and record.offset < left[partition]:
                        yield bytes(record.value)
            for partition in [*left]:
                if await consumer.position(partition) >= left[partition]:
                    del left[partition]
    finally:
        await consumer.stop()
