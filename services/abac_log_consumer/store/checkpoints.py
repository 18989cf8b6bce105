"""SQL over checkpoints. Every function takes the caller's connection."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

_LOCK_UNSIGNED = """
SELECT topic, partition, chain_sequence, head_hash FROM chains
WHERE chain_sequence > checkpoint_sequence
  AND (chain_sequence >= checkpoint_sequence + $1 OR checkpointed_at <= $2)
ORDER BY topic, partition
FOR UPDATE SKIP LOCKED
"""

_ADD = """
INSERT INTO checkpoints
  (id, topic, partition, chain_sequence, head_hash, created_at, key_id, signature)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::int[], $4::bigint[], $5::bytea[],
  $6::timestamptz[], $7::text[], $8::bytea[])
"""

_MOVE = """
UPDATE chains c SET checkpoint_sequence = r.chain_sequence, checkpointed_at = r.created_at
FROM unnest($1::text[], $2::int[], $3::bigint[], $4::timestamptz[])
  AS r (topic, partition, chain_sequence, created_at)
WHERE c.topic = r.topic AND c.partition = r.partition
"""

_UNSIGNED_SINCE = """
SELECT min(checkpointed_at) FROM chains WHERE chain_sequence > checkpoint_sequence
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The end of a chain."""

    topic: str
    partition: int
    chain_sequence: int
    head_hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint(Head):
    """A signed end of a chain."""

    id: UUID
    created_at: datetime
    key_id: str
    signature: bytes


async def lock_unsigned(
    driver: asyncpg.Connection, *, records: int, before: datetime
) -> list[Head]:
    """Hold the chains that have so many unsigned records, or any since before a moment.

    One that is being recorded to, or signed by another process, is left for the next time.
    """
    rows = await driver.fetch(_LOCK_UNSIGNED, records, before)
    return [
        Head(
            topic=row["topic"],
            partition=row["partition"],
            chain_sequence=row["chain_sequence"],
            head_hash=row["head_hash"],
        )
        for row in rows
    ]


async def add(driver: asyncpg.Connection, rows: Sequence[Checkpoint]) -> None:
    """Keep checkpoints and set their chains, which `lock_unsigned` holds, as signed."""
    places = [row.topic for row in rows], [row.partition for row in rows]
    sequences = [row.chain_sequence for row in rows]
    moments = [row.created_at for row in rows]
    await driver.execute(
        _ADD,
        [row.id for row in rows],
        *places,
        sequences,
        [row.head_hash for row in rows],
        moments,
        [row.key_id for row in rows],
        [row.signature for row in rows],
    )
    await driver.execute(_MOVE, *places, sequences, moments)


async def unsigned_since(driver: asyncpg.Connection) -> datetime | None:
    """When the chain that waits longest for a signature was last signed; none waits: none."""
    found: datetime | None = await driver.fetchval(_UNSIGNED_SINCE)
    return found
