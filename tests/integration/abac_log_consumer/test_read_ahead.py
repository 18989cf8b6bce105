"""A long batch is understood part by part, ahead of its recording."""

import asyncio

import pytest

from services.abac_log_consumer import consume
from services.abac_log_consumer.consume import read_ahead
from services.abac_log_consumer.domain.records import Delivered, Read, read
from tests.integration.abac_log_consumer.ledger import Source, delivered


async def test_the_parts_are_in_order_and_each_with_what_it_says() -> None:
    batch = delivered(Source().decisions(7))

    parts = [(part, reads) async for part, reads in read_ahead(batch, most=3)]

    assert [len(part) for part, _ in parts] == [3, 3, 1]
    assert [item for part, _ in parts for item in part] == batch
    assert [item for _, reads in parts for item in reads] == [read(item) for item in batch]


async def test_a_part_is_understood_while_the_one_before_it_is_recorded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    batch = delivered(Source().decisions(6))
    last_was_read = asyncio.Event()

    def noticed(item: Delivered) -> Read:
        if item is batch[3]:
            last_was_read.set()
        return read(item)

    monkeypatch.setattr(consume, "read", noticed)
    async for part, _ in read_ahead(batch, most=2):
        if part[0] is batch[0]:
            async with asyncio.timeout(10):
                await last_was_read.wait()  # here the first part would be recorded


async def test_what_was_understood_ahead_is_dropped_when_recording_fails() -> None:
    batch = delivered(Source().decisions(4))
    parts = read_ahead(batch, most=2)
    await anext(parts)

    with pytest.raises(OSError, match="gone"):
        await parts.athrow(OSError("gone"))

    others = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.gather(*others, return_exceptions=True)
    assert [task for task in others if not task.cancelled()] == []
