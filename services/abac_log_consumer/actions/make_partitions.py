"""Make the partitions of the coming months ahead of their time."""

from datetime import datetime, timedelta

from sqlalchemy import text

from shared.runtime import partitions
from shared.runtime.partitions import Unit, partitions_between
from shared.runtime.postgres import Database

_AHEAD = timedelta(days=92)
_TABLES = (("decisions", "decided_at"), ("token_events", "at"))


async def make_partitions(owner: Database, *, now: datetime) -> list[str]:
    """Make those that are not there, one transaction each; their names.

    `owner` connects as the owner of the tables. Whoever holds a table for longer than two
    seconds is not waited for: the next run makes what this one could not.
    """
    made = []
    for table, column in _TABLES:
        wanted = partitions_between(table, Unit.MONTH, now, now + _AHEAD)
        async with owner.read() as conn:
            missing = await partitions.missing(conn, wanted, Unit.MONTH)
        for partition in missing:
            async with owner.begin() as conn:
                await conn.execute(text("SET LOCAL lock_timeout = '2s'"))
                await partitions.create(conn, partition, column=column)
            made.append(partition.name)
    return made
