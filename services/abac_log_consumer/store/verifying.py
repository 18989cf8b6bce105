"""SQL that reads chains back for verification: one snapshot, rows in the order of the chain."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
import orjson

from services.abac_log_consumer.domain.chain import GENESIS, chain_id
from services.abac_log_consumer.domain.records import DECISIONS
from services.abac_log_consumer.domain.verification import Link, Signed
from services.abac_log_consumer.store.recording import (
    DECISION_COLUMNS,
    TOKEN_EVENT_COLUMNS,
    Place,
)

CONNECTIONS = 4  # of a verification of the whole log
_FETCHED = 2000

_HEADS = """
SELECT topic, partition, chain_sequence, head_hash FROM chains
UNION ALL
SELECT DISTINCT topic, partition, 0, ''::bytea FROM checkpoints k
WHERE NOT EXISTS (
  SELECT FROM chains c WHERE c.topic = k.topic AND c.partition = k.partition)
ORDER BY topic, partition
"""

_ARCHIVES = """
SELECT name, records, file_sha256, runs, key_id, signature FROM archives ORDER BY name
"""

_SIGNED = """
SELECT topic, partition, chain_sequence, head_hash, created_at, key_id, signature
FROM checkpoints ORDER BY topic, partition, chain_sequence, created_at
"""

_SPAN = """
SELECT min(chain_sequence), max(chain_sequence) FROM {table}
WHERE topic = $1 AND partition = $2 AND {moment} >= $3 AND {moment} < $4
"""

_LINKS = """
SELECT convert_to(row_to_json(r)::text, 'UTF8') AS record,
  d.chain_sequence, d.event_id::text, d.previous_hash, d.hash
FROM {table} d CROSS JOIN LATERAL (SELECT {columns}) AS r
WHERE d.topic = $1 AND d.partition = $2 AND d.chain_sequence BETWEEN $3 AND $4
ORDER BY d.chain_sequence, d.event_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Where a chain is said to end."""

    place: Place
    sequence: int
    hash: bytes


class Snapshot:
    """The log at one moment, through connections that all see the same."""

    def __init__(self, conns: Sequence[asyncpg.Connection]) -> None:
        self._free: asyncio.Queue[asyncpg.Connection] = asyncio.Queue()
        for conn in conns:
            self._free.put_nowait(conn)

    async def heads(self) -> list[Head]:
        """Every chain there is, or that a checkpoint says there was."""
        return [
            Head(
                place=Place(row["topic"], row["partition"]),
                sequence=row["chain_sequence"],
                hash=row["head_hash"],
            )
            for row in await self._rows(_HEADS)
        ]

    async def checkpoints(self) -> list[Signed]:
        """Every checkpoint of the database, oldest first in each chain."""
        return [
            Signed(
                chain=chain_id(row["topic"], row["partition"]),
                sequence=row["chain_sequence"],
                head_hash=row["head_hash"],
                created_at=row["created_at"],
                key_id=row["key_id"],
                signature=row["signature"],
            )
            for row in await self._rows(_SIGNED)
        ]

    async def proofs(self) -> list[dict[str, Any]]:
        """The proofs of the archives, as they were signed."""
        return [
            {
                "name": row["name"],
                "records": row["records"],
                "sha256": row["file_sha256"].hex(),
                "runs": orjson.loads(row["runs"]),
                "key_id": row["key_id"],
                "signature": row["signature"].hex(),
            }
            for row in await self._rows(_ARCHIVES)
        ]

    async def span(
        self, place: Place, *, since: datetime, until: datetime
    ) -> tuple[int, int] | None:
        """The first and the last number of a chain's records of a period."""
        table, moment, _ = _table(place.topic)
        query = _SPAN.format(table=table, moment=moment)
        async with self._borrowed() as conn:
            first, last = await conn.fetchrow(query, *place, since, until)
        return None if first is None else (first, last)

    async def hash_before(self, place: Place, sequence: int) -> bytes:
        """The hash of the record before a number."""
        table, _, __ = _table(place.topic)
        query = (
            f"SELECT hash FROM {table} WHERE topic = $1 AND partition = $2 "  # noqa: S608
            "AND chain_sequence = $3 LIMIT 1"
        )
        async with self._borrowed() as conn:
            found = await conn.fetchval(query, *place, sequence - 1)
        return GENESIS if found is None else bytes(found)

    async def links(
        self, place: Place, *, first: int, last: int
    ) -> AsyncGenerator[list[Link]]:
        """The records of a chain in order, some at a time; it waits for a free connection."""
        table, _, columns = _table(place.topic)
        async for links in self._links(table, columns, place, first=first, last=last):
            yield links

    async def links_of_partition(
        self, name: str, place: Place
    ) -> AsyncGenerator[list[Link]]:
        """The records of a chain that one partition of a table holds, in order."""
        _, __, columns = _table(place.topic)
        async for links in self._links(name, columns, place, first=0, last=2**62):
            yield links

    async def _links(
        self, table: str, columns: Sequence[str], place: Place, *, first: int, last: int
    ) -> AsyncGenerator[list[Link]]:
        names = ", ".join(
            f'd."{name}"' for name in sorted({*columns} - {"hash", "previous_hash"})
        )
        query = _LINKS.format(columns=names, table=table)
        async with self._borrowed() as conn:
            cursor = await conn.cursor(query, *place, first, last)
            while rows := await cursor.fetch(_FETCHED):
                yield [Link(*row) for row in rows]

    async def _rows(self, query: str) -> list[asyncpg.Record]:
        async with self._borrowed() as conn:
            return list(await conn.fetch(query))

    @asynccontextmanager
    async def _borrowed(self) -> AsyncIterator[asyncpg.Connection]:
        conn = await self._free.get()
        try:
            yield conn
        finally:
            self._free.put_nowait(conn)


@asynccontextmanager
async def snapshot(url: str, *, role: str, connections: int = 1) -> AsyncIterator[Snapshot]:
    """Connections of its own that see the log as it is now, however long they read.

    So many chains are read at once: PostgreSQL writes the records as JSON, a processor each.
    """
    settings = {"application_name": "audit verification", "enable_seqscan": "off"}
    settings |= {"jit": "off", "timezone": "UTC"} | ({"role": role} if role else {})
    async with AsyncExitStack() as stack:
        conns: list[asyncpg.Connection] = []
        for _ in range(connections):
            conn = await asyncpg.connect(url, timeout=10, server_settings=settings)
            stack.push_async_callback(conn.close)
            await stack.enter_async_context(
                conn.transaction(isolation="repeatable_read", readonly=True)
            )
            conns.append(conn)
        name = await conns[0].fetchval("SELECT pg_export_snapshot()")
        for conn in conns[1:]:
            await conn.execute(f"SET TRANSACTION SNAPSHOT '{name}'")
        yield Snapshot(conns)


def _table(topic: str) -> tuple[str, str, tuple[str, ...]]:
    if topic == DECISIONS:
        return "decisions", "decided_at", DECISION_COLUMNS
    return "token_events", "at", TOKEN_EVENT_COLUMNS
