"""The days of an outbox: made ahead, and dropped when their events went out long enough ago.

`OutboxUpkeep` is for a service that has no scheduler of its own. Safe in every replica: one does
it at a time. `retire_if_published` is the step that a scheduler's job has in common with it.
"""

import asyncio
import zlib
from contextlib import suppress
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.runtime import logging, partitions
from shared.runtime.clock import Clock
from shared.runtime.partitions import Partition, Unit
from shared.runtime.postgres import Database, DatabaseUnavailableError

_log = logging.get("upkeep")

TABLE = "outbox"
_AHEAD = timedelta(days=2)
_EVERY_SECONDS = 1800.0
_LOCK = zlib.crc32(b"outbox upkeep")
# Whoever comes while we wait for the parent's lock waits with us: not for long.
_LOCK_TIMEOUT = "200ms"


class OutboxUpkeep:
    """Looks after the partitions of one database's outbox while the process runs."""

    def __init__(self, db: Database, *, clock: Clock, kept_for: timedelta) -> None:
        self._db = db
        self._clock = clock
        self._kept_for = kept_for

    async def run(self, stop: asyncio.Event) -> None:
        """One round after another, until `stop`; what fails is tried the next time."""
        while not stop.is_set():
            try:
                await self.round()
            except (DatabaseUnavailableError, DBAPIError) as error:
                said = (str(error) or type(error).__name__).splitlines()[0][:300]
                _log.warning("upkeep of the outbox failed", error=said)
            with suppress(TimeoutError):
                async with asyncio.timeout(_EVERY_SECONDS):
                    await stop.wait()

    async def round(self) -> None:
        """Make the coming days; retire and remove those that are over."""
        now = self._clock.now()
        async with self._db.begin() as conn:
            if not await _is_ours(conn):
                return
            wanted = partitions.partitions_between(TABLE, Unit.DAY, now, now + _AHEAD)
            for partition in await partitions.missing(conn, wanted, Unit.DAY):
                await partitions.create(conn, partition, column="occurred_at")
        async with self._db.read() as conn:
            there = await partitions.existing(conn, TABLE, Unit.DAY)
        for partition in there:
            if partition.end <= now - self._kept_for:
                await self._retire(partition)
        await self._remove()

    async def _retire(self, partition: Partition) -> None:
        async with self._db.begin() as conn:
            if await _is_ours(conn):
                await retire_if_published(conn, partition)

    async def _remove(self) -> None:
        async with self._db.read() as conn:
            names = await partitions.retired(conn)
        for name in names:
            async with self._db.begin() as conn:
                if await _is_ours(conn):
                    await partitions.remove(conn, name)


async def _is_ours(conn: AsyncConnection) -> bool:
    """Whether no other replica is at it; then nobody is until the transaction ends."""
    await conn.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'"))
    query = text("SELECT pg_try_advisory_xact_lock(:lock)")
    return bool((await conn.execute(query, {"lock": _LOCK})).scalar_one())


async def retire_if_published(conn: AsyncConnection, partition: Partition) -> bool:
    """Take a day out of the outbox, unless it has what `holds_unpublished` says; whether it went.

    It looks first without the lock, so that a day that is kept holds nobody up. The caller sets
    `lock_timeout`; the rows go by `partitions.remove`.
    """
    if await holds_unpublished(conn, partition):
        return False
    await partitions.lock(conn, TABLE)
    if await holds_unpublished(conn, partition):
        return False
    await partitions.retire(conn, partition)
    return True


async def holds_unpublished(conn: AsyncConnection, partition: Partition) -> bool:
    """Whether a partition has an event that Kafka has not acknowledged, or must get again.

    Two probes of its index: the orders are what keeps the planner from reading the whole day.
    Without a relay's row nothing was ever published.
    """
    name = partition.name
    query = text(f"""
SELECT EXISTS (SELECT FROM outbox_relays WHERE replay_from IS NOT NULL)
  OR (SELECT position FROM {name} WHERE sequence IS NULL
      ORDER BY sequence, position LIMIT 1) IS NOT NULL
  OR coalesce((SELECT max(sequence) FROM {name}), 0)
     > (SELECT coalesce(min(published), 0) FROM outbox_relays)
""")
    return bool((await conn.execute(query)).scalar_one())
