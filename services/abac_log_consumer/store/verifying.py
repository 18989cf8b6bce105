"""SQL that reads chains back for verification: one snapshot, rows in the order of the chain."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
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
SELECT d.chain_sequence, d.event_id, d.previous_hash, d.hash,
  convert_to(row_to_json(r)::text, 'UTF8') AS record
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
    """The log at one moment."""

    def __init__(self, conn: asyncpg.Connection) -> None:
        self._conn = conn

    async def heads(self) -> list[Head]:
        """Every chain there is, or that a checkpoint says there was."""
        return [
            Head(
                place=Place(row["topic"], row["partition"]),
                sequence=row["chain_sequence"],
                hash=row["head_hash"],
            )
            for row in await self._conn.fetch(_HEADS)
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
            for row in await self._conn.fetch(_SIGNED)
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
            for row in await self._conn.fetch(_ARCHIVES)
        ]

    async def span(
        self, place: Place, *, since: datetime, until: datetime
    ) -> tuple[int, int] | None:
        """The first and the last number of a chain's records of a period."""
        table, moment, _ = _table(place.topic)
        query = _SPAN.format(table=table, moment=moment)
        first, last = await self._conn.fetchrow(query, *place, since, until)
        return None if first is None else (first, last)

    async def hash_before(self, place: Place, sequence: int) -> bytes:
        """The hash of the record before a number."""
        table, _, __ = _table(place.topic)
        query = (
            f"SELECT hash FROM {table} WHERE topic = $1 AND partition = $2 "  # noqa: S608
            "AND chain_sequence = $3 LIMIT 1"
        )
        found = await self._conn.fetchval(query, *place, sequence - 1)
        return GENESIS if found is None else bytes(found)

    async def links(
        self, place: Place, *, first: int, last: int
    ) -> AsyncIterator[list[Link]]:
        """The records of a chain in order, some at a time."""
        table, _, columns = _table(place.topic)
        async for links in self._links(table, columns, place, first=first, last=last):
            yield links

    async def links_of_partition(
        self, name: str, place: Place
    ) -> AsyncIterator[list[Link]]:
        """The records of a chain that one partition of a table holds, in order."""
        _, __, columns = _table(place.topic)
        async for links in self._links(name, columns, place, first=0, last=2**62):
            yield links

    async def _links(
        self, table: str, columns: Sequence[str], place: Place, *, first: int, last: int
    ) -> AsyncIterator[list[Link]]:
        names = ", ".join(
            f'd."{name}"' for name in sorted({*columns} - {"hash", "previous_hash"})
        )
        query = _LINKS.format(columns=names, table=table)
        cursor = await self._conn.cursor(query, *place, first, last)
        while rows := await cursor.fetch(_FETCHED):
            yield [_link(row) for row in rows]


@asynccontextmanager
async def snapshot(url: str, *, role: str) -> AsyncIterator[Snapshot]:
    """A connection of its own that sees the log as it is now, however long it reads."""
    settings = {"application_name": "audit verification", "enable_seqscan": "off"}
    settings |= {"jit": "off", "timezone": "UTC"} | ({"role": role} if role else {})
    conn = await asyncpg.connect(url, timeout=10, server_settings=settings)
    try:
        await conn.set_type_codec("uuid", schema="pg_catalog", encoder=str, decoder=str)
        async with conn.transaction(isolation="repeatable_read", readonly=True):
            yield Snapshot(conn)
    finally:
        await conn.close()


def _table(topic: str) -> tuple[str, str, tuple[str, ...]]:
    if topic == DECISIONS:
        return "decisions", "decided_at", DECISION_COLUMNS
    return "token_events", "at", TOKEN_EVENT_COLUMNS


def _link(row: asyncpg.Record) -> Link:
    sequence, event_id, previous_hash, own_hash, record = row
    return Link(
        record=record,
        sequence=sequence,
        event_id=event_id,
        previous_hash=previous_hash,
        hash=own_hash,
    )
