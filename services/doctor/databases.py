"""A PostgreSQL as the set needs it: migrated, and of one mind with us about the time."""

import asyncio
from urllib.parse import urlsplit

import asyncpg

from services.doctor.findings import Finding, Level
from shared.runtime import revisions
from shared.runtime.clock import Clock
from shared.runtime.postgres import LOST

# Tokens of seconds are judged by one clock and stored by another.
_SKEW_WARNED, _SKEW_FAILED = 1.0, 5.0
_OLDEST = 150000  # as `server_version_num` counts


async def examine(url: str, owner: str, clock: Clock) -> list[Finding]:
    """Look at one database; `owner` is the service package with its migrations."""
    name = f"database {urlsplit(url).path.removeprefix('/')}"
    try:
        conn = await asyncpg.connect(url, timeout=5, command_timeout=5)
    except (asyncpg.PostgresError, ValueError, *LOST) as error:
        return [_finding(name, "connection", Level.FAILURE, _line(error))]
    try:
        return [
            await _version(conn, name),
            await _schema(conn, name, owner),
            await _time(conn, name, clock),
        ]
    except (asyncpg.PostgresError, *LOST) as error:
        return [_finding(name, "connection", Level.FAILURE, _line(error))]
    finally:
        await conn.close(timeout=2)


async def _version(conn: asyncpg.Connection, name: str) -> Finding:
    number = int(await conn.fetchval("SHOW server_version_num"))
    level = Level.OK if number >= _OLDEST else Level.FAILURE
    return _finding(name, "version", level, f"PostgreSQL {number // 10000}")


async def _schema(conn: asyncpg.Connection, name: str, owner: str) -> Finding:
    needed = revisions.newest(owner)
    try:
        found = await conn.fetchval("SELECT version_num FROM alembic_version")
    except asyncpg.UndefinedTableError:
        found = None
    if found is None or found < needed:
        told = f"at {found or 'no revision'}, this release needs {needed}"
        return _finding(name, "schema", Level.FAILURE, told)
    return _finding(name, "schema", Level.OK, f"at revision {found}")


async def _time(conn: asyncpg.Connection, name: str, clock: Clock) -> Finding:
    loop = asyncio.get_running_loop()
    asked = loop.time()
    there = await conn.fetchval("SELECT clock_timestamp()")
    half_way = (loop.time() - asked) / 2  # the answer is as old as its way back
    skew = (clock.now() - there).total_seconds() - half_way
    level = (
        Level.FAILURE
        if abs(skew) > _SKEW_FAILED
        else Level.WARNING
        if abs(skew) > _SKEW_WARNED
        else Level.OK
    )
    return _finding(name, "clock", level, f"{abs(skew):.2f} s from ours")


def _line(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:200]


def _finding(subject: str, check: str, level: Level, told: str) -> Finding:
    return Finding(subject=subject, check=check, level=level, told=told)
