"""Range partitions by time: made ahead, listed, and taken away whole.

A table of this kind is partitioned by one timestamptz column and has a default partition, so
a row always has a place. A partition is named after the first day it holds:
`tokens_p20261123`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import assert_never

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_RETIRED = "retired_"


class Unit(Enum):
    """How long a partition is; weeks begin on Monday (ISO 8601), months on the 1st, in UTC."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Partition:
    """One partition: holds `start <= moment < end`."""

    start: datetime
    end: datetime
    table: str

    @property
    def name(self) -> str:
        """The table's name in the database."""
        return f"{self.table}_p{self.start:%Y%m%d}"


def partition_of(table: str, unit: Unit, moment: datetime) -> Partition:
    """The partition that a moment falls into."""
    day = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    match unit:
        case Unit.DAY:
            start, end = day, day + timedelta(days=1)
        case Unit.WEEK:
            start = day - timedelta(days=day.weekday())
            end = start + timedelta(days=7)
        case Unit.MONTH:
            start = day.replace(day=1)
            end = (start + timedelta(days=31)).replace(day=1)
        case _:
            assert_never(unit)
    return Partition(table=table, start=start, end=end)


def partitions_between(
    table: str, unit: Unit, first: datetime, last: datetime
) -> list[Partition]:
    """The partitions that hold every moment from `first` to `last`."""
    found = [partition_of(table, unit, first)]
    while found[-1].end <= last:
        found.append(partition_of(table, unit, found[-1].end))
    return found


async def existing(conn: AsyncConnection, table: str, unit: Unit) -> list[Partition]:
    """The partitions there are, oldest first; the default one is not among them."""
    query = text(
        "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
        "WHERE i.inhparent = cast(:table AS regclass) "
        "AND NOT i.inhdetachpending ORDER BY c.relname"
    )
    names = (await conn.execute(query, {"table": table})).scalars()
    prefix = f"{table}_p"
    starts = [
        datetime.strptime(name.removeprefix(prefix), "%Y%m%d").replace(tzinfo=UTC)
        for name in names
        if name.startswith(prefix)
    ]
    return sorted(partition_of(table, unit, start) for start in starts)


async def missing(
    conn: AsyncConnection, wanted: Sequence[Partition], unit: Unit
) -> list[Partition]:
    """Those of `wanted` that are not there."""
    if not wanted:
        return []
    there = set(await existing(conn, wanted[0].table, unit))
    return [partition for partition in wanted if partition not in there]


async def create(conn: AsyncConnection, partition: Partition, *, column: str) -> int:
    """Make one partition; rows of its span that waited in the default one move into it.

    Returns how many moved. The table is made beside the parent first. Then the parent is
    locked against all use, and stays so for the move, a scan of the default partition, and the
    commit: milliseconds where nothing waited, some seconds for a million rows that did.
    Attaching alone would ask for less, but a request that planned just before it would look for
    a moved row where it was, or be refused an insert into the default partition. With this
    lock every other transaction sees all of it or nothing. The caller sets `lock_timeout`.
    """
    table, name = partition.table, partition.name
    span = f"{column} >= :start AND {column} < :end"
    bounds = {"start": partition.start, "end": partition.end}
    waiting = await conn.execute(
        text(f"SELECT EXISTS (SELECT FROM {table}_default WHERE {span})"), bounds
    )
    # Indexes are there before the lock, or, where rows will fill them, built after the rows.
    indexes = "EXCLUDING" if waiting.scalar_one() else "INCLUDING"
    await conn.execute(
        text(
            f"CREATE TABLE {name} "
            f"(LIKE {table} INCLUDING ALL EXCLUDING IDENTITY {indexes} INDEXES)"
        )
    )
    await lock(conn, table)
    moved = await conn.execute(
        text(
            f"WITH moved AS (DELETE FROM {table}_default WHERE {span} RETURNING *) "
            f"INSERT INTO {name} SELECT * FROM moved"
        ),
        bounds,
    )
    await conn.execute(
        text(
            f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES "
            f"FROM ('{partition.start.isoformat()}') TO ('{partition.end.isoformat()}')"
        )
    )
    return moved.rowcount


async def lock(conn: AsyncConnection, table: str) -> None:
    """Keep everyone off a partitioned table until the transaction ends.

    `ONLY`: its partitions are reached through it, so they need no lock of their own.
    """
    await conn.execute(text(f"LOCK TABLE ONLY {table} IN ACCESS EXCLUSIVE MODE"))


async def retire(conn: AsyncConnection, partition: Partition) -> None:
    """Take a partition out of its table; its rows are gone from there with the commit.

    A handful of catalogue rows, so it costs the same for any number of rows, but PostgreSQL
    locks the parent against all use until the commit: this comes last in its transaction, and
    the caller sets `lock_timeout`, since whoever comes meanwhile waits with us for the oldest
    transaction. DETACH CONCURRENTLY would wait without a lock, but is refused where there is
    a default partition. The rows themselves go by `remove`.
    """
    table, name = partition.table, partition.name
    await conn.execute(text(f"ALTER TABLE {table} DETACH PARTITION {name}"))
    await conn.execute(text(f"ALTER TABLE {name} RENAME TO {_RETIRED}{name}"))


async def retired(conn: AsyncConnection) -> list[str]:
    """The tables of retired partitions that wait for their removal."""
    query = text(
        "SELECT relname::text FROM pg_class WHERE starts_with(relname, :prefix) "
        "AND relkind = 'r' AND NOT relispartition "
        "AND relnamespace = current_schema()::regnamespace ORDER BY relname"
    )
    names = (await conn.execute(query, {"prefix": _RETIRED})).scalars().all()
    return list(names)


async def remove(conn: AsyncConnection, name: str) -> None:
    """Drop a retired partition's table: no one uses it, so its files may take their time.

    Two may try at once; the second finds nothing to do.
    """
    if not name.startswith(_RETIRED):
        raise ValueError(f"`{name}` is not retired")
    await conn.execute(text(f"DROP TABLE IF EXISTS {name}"))
