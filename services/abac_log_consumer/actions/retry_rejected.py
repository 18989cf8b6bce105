"""Read rejected records again, and record those that this version understands."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import asyncpg

from services.abac_log_consumer.actions.record import is_poisonous, record, recorded
from services.abac_log_consumer.deps import Deps
from services.abac_log_consumer.domain.records import Entry, Unreadable, read
from services.abac_log_consumer.store import rejected as store
from services.abac_log_consumer.store.rejected import Rejected
from shared.runtime.postgres import driver_of

_AT_ONCE = 500


class State(StrEnum):
    """What has become of a rejected record."""

    UNREADABLE = "unreadable"
    READABLE = "readable"  # by this version; not in the log yet
    RECORDED = "recorded"


@dataclass(slots=True, kw_only=True)
class Retried:
    """What a retry did."""

    recorded: int = 0
    known: int = 0  # were in the log already
    unreadable: int = 0
    refused: int = 0  # by the database


async def list_rejected(deps: Deps) -> AsyncIterator[tuple[Rejected, State]]:
    """Every rejected record, in the order of its partition."""
    async for batch in _batches(deps):
        reads = [read(item.delivered) for item in batch]
        entries = [item for item in reads if not isinstance(item, Unreadable)]
        async with deps.db.read() as conn:
            known = await recorded(driver_of(conn), entries)
        for item, said in zip(batch, reads, strict=True):
            if isinstance(said, Unreadable):
                yield item, State.UNREADABLE
            else:
                yield item, State.RECORDED if said.event_id in known else State.READABLE


async def retry_rejected(deps: Deps) -> Retried:
    """Record each that can be understood now, once, as the next link of its chain.

    It may be run again, and by two at once, and beside the consumer: an event is known by its
    id. What still cannot be understood stays as it is, and so do the raw records.
    """
    done = Retried()
    async for batch in _batches(deps):
        reads = [read(item.delivered) for item in batch]
        entries = [item for item in reads if not isinstance(item, Unreadable)]
        done.unreadable += len(reads) - len(entries)
        await _record(deps, entries, done)
    return done


async def _record(deps: Deps, entries: Sequence[Entry], done: Retried) -> None:
    """Record entries; those of a batch that is refused one by one."""
    if not entries:
        return
    try:
        outcome = await record(deps, entries, {})
    except (asyncpg.PostgresError, TypeError, ValueError) as error:
        if not is_poisonous(error):
            raise
        if len(entries) == 1:
            done.refused += 1
            return
        for entry in entries:
            await _record(deps, [entry], done)
        return
    done.recorded += sum(outcome.recorded.values())
    done.known += sum(outcome.repeated.values())


async def _batches(deps: Deps) -> AsyncIterator[list[Rejected]]:
    last: Rejected | None = None
    while True:
        async with deps.db.read() as conn:
            batch = await store.some(driver_of(conn), after=last, most=_AT_ONCE)
        if not batch:
            return
        yield batch
        last = batch[-1]
