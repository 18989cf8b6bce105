"""One runner a job, whatever the number of replicas: advisory locks of the database."""

import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg

from shared.runtime.postgres import LOST


def key_of(job: str) -> int:
    """The number of a job's lock."""
    return zlib.crc32(f"scheduler job {job}".encode())


@asynccontextmanager
async def held(database_url: str, job: str) -> AsyncIterator[bool]:
    """Hold the lock of a job; False where another process has it.

    The lock is the session's, on a connection of its own: it ends with the connection, so a
    process that dies leaves nothing behind.
    """
    conn = await asyncpg.connect(
        database_url,
        timeout=5,
        command_timeout=10,
        server_settings={"application_name": f"mithril-scheduler {job}"},
    )
    try:
        yield bool(await conn.fetchval("SELECT pg_try_advisory_lock($1)", key_of(job)))
    finally:
        with suppress(asyncpg.PostgresError, *LOST):
            await conn.close(timeout=2)
