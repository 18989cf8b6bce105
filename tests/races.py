"""Forcing an interleaving: a test goes on when the database says who waits for whom."""

import asyncio
from typing import Protocol

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.runtime.postgres import Database, driver_of

_WAITING = text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0"
)


class Deps(Protocol):
    """Of any service."""

    @property
    def db(self) -> Database:
        """Its database."""


async def until_waiting(deps: Deps, count: int = 1) -> None:
    """Return when this many transactions wait for a lock that another one holds."""
    async with asyncio.timeout(10), deps.db.read() as conn:
        # The event to wait for is the database's: it can only be asked about.
        while (await conn.execute(_WAITING)).scalar_one() < count:
            await asyncio.sleep(0.002)


async def commit_now(conn: AsyncConnection) -> None:
    """Commit a transaction of `db.begin()` before its block ends, which then ends nothing."""
    await driver_of(conn).execute("COMMIT")
