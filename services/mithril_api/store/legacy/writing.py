"""Laying down rows of the original: staged by COPY, compared and written by set.

Every function takes the caller's transaction; the staging table goes with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.store.legacy.parts import Columns, Log, Part
from shared.runtime.postgres import driver_of

# From here on, what is staged is looked up by the indexes of the table: for rows that the planner
# takes to be many, it would read the whole of a table that grows with every batch.
BY_KEY = "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off"

FIRST = UUID(int=0)
LAST = UUID(int=2**128 - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Ids after one and up to another: what a batch says everything about."""

    after: UUID
    upto: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """How many rows a batch changed."""

    new: int = 0
    changed: int = 0
    removed: int = 0


async def stage(
    conn: AsyncConnection, columns: Columns, rows: Sequence[tuple[Any, ...]]
) -> None:
    """Put rows into table `staged`, which is there until the transaction ends."""
    driver = driver_of(conn)
    listed = ", ".join(f"{name} {kind}" for name, kind in columns)
    await driver.execute(f"CREATE TEMP TABLE staged ({listed}) ON COMMIT DROP")
    await driver.copy_records_to_table(
        "staged", records=rows, columns=[name for name, _ in columns]
    )


async def take_clashing(conn: AsyncConnection, part: Part) -> list[UUID]:
    """Take away what is staged and whose key is taken, and tell which rows those are.

    Taken by a row made here, or, where folding made two keys one, by an earlier one.
    """
    if not part.key or part.seeds:
        return []
    same = " AND ".join(f"t.{name} = s.{name}" for name in part.key)
    query = (
        f"DELETE FROM staged s USING {part.table} t "  # noqa: S608 — names of ours
        f"WHERE {same} AND t.id <> s.id AND t.moved_in_at IS NULL RETURNING s.id"
    )
    twice = (
        "DELETE FROM staged s USING staged t "  # noqa: S608 — names of ours
        f"WHERE {same} AND t.id < s.id RETURNING s.id"
    )
    driver = driver_of(conn)
    repeated = await driver.fetch(twice)
    await driver.execute(BY_KEY)
    return [row[0] for row in [*repeated, *await driver.fetch(query)]]


async def seeded(conn: AsyncConnection, part: Part) -> list[UUID]:
    """The staged rows whose name a row made here gives to them."""
    if not part.seeds:
        return []
    query = (
        f"SELECT s.id FROM staged s JOIN {part.table} t ON t.name = s.name "  # noqa: S608 — names of ours
        "WHERE t.id <> s.id AND t.moved_in_at IS NULL"
    )
    return [row[0] for row in await driver_of(conn).fetch(query)]


async def upsert(
    conn: AsyncConnection, part: Part, span: Span, *, now: datetime, sweep: bool
) -> Written:
    """Write what is staged. With `sweep`, what moved in before and is gone there goes."""
    driver = driver_of(conn)
    removed = 0
    if sweep:
        await driver.execute("CREATE INDEX ON staged (id)")
        gone = await driver.execute(_swept(part), span.after, span.upto)
        removed = _count(gone)
    if part.displace is not None:
        await driver.execute(part.displace)
    row = await driver.fetchrow(_upserted(part), now)
    hooked = [_count(await driver.execute(statement)) for statement in part.after]
    new, changed = int(row[0]), int(row[1])
    also = sum(hooked) if new == 0 and changed == 0 else 0
    return Written(new=new, changed=changed + also, removed=removed)


async def append(conn: AsyncConnection, log: Log) -> Written:
    """Add the staged lines that are not there."""
    driver = driver_of(conn)
    await driver.execute(BY_KEY)
    return Written(new=_count(await driver.execute(log.added)))


def _upserted(part: Part) -> str:
    names = [name for name, _ in part.columns]
    listed = ", ".join(names)
    taken = ", ".join(
        f"{name} = {part.settled.get(name, f'excluded.{name}')}" for name in names[1:]
    )
    compared = [name for name in names[1:] if name not in part.settled]
    ours = ", ".join(f"t.{name}" for name in compared)
    theirs = ", ".join(f"excluded.{name}" for name in compared)
    return f"""
WITH written AS (
  INSERT INTO {part.table} AS t ({listed}, moved_in_at) SELECT {listed}, $1 FROM staged
  ON CONFLICT (id) DO UPDATE SET {taken}, moved_in_at = excluded.moved_in_at
  WHERE t.moved_in_at IS NULL
     OR (t.updated_at <= excluded.updated_at AND ({ours}) IS DISTINCT FROM ({theirs}))
  RETURNING xmax = 0 AS is_new
)
SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new) FROM written
"""  # noqa: S608 — names of ours


def _swept(part: Part) -> str:
    return (
        f"DELETE FROM {part.table} t WHERE t.moved_in_at IS NOT NULL "  # noqa: S608 — ours
        "AND t.id > $1 AND t.id <= $2 "
        f"AND NOT EXISTS (SELECT FROM staged s WHERE s.id = t.id) AND NOT {part.kept_while}"
    )


def _count(status: str) -> int:
    return int(status.rpartition(" ")[2])
