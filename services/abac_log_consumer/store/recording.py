"""SQL of the recording transaction. Every function takes the caller's connection."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import NamedTuple

import asyncpg

from services.abac_log_consumer.domain.records import ClientName

DECISION_COLUMNS = (
    *("event_id", "decided_at", "recorded_at", "decision_id", "user_id", "client_id"),
    *("client_type", "client_name", "mis_client_id", "person_id", "patient_id"),
    *("resource_type", "resource_id", "action", "contexts", "result", "rules", "reason"),
    *("policy_version", "request_id", "trace_id", "source", "source_sequence", "topic"),
    *("partition", "offset", "chain_sequence", "previous_hash", "hash"),
)
TOKEN_EVENT_COLUMNS = (
    *("event_id", "at", "recorded_at", "type", "user_id", "client_id", "data", "trace_id"),
    *("source", "source_sequence", "topic", "partition", "offset", "chain_sequence"),
    *("previous_hash", "hash"),
)

_MEET = """
INSERT INTO chains (topic, partition)
SELECT * FROM unnest($1::text[], $2::int[]) ON CONFLICT DO NOTHING
"""

_LOCK = """
SELECT topic, partition, next_offset, last_digest, chain_sequence, head_hash FROM chains
WHERE (topic, partition) IN (SELECT * FROM unnest($1::text[], $2::int[]))
ORDER BY topic, partition
FOR UPDATE
"""

_MOVE = """
UPDATE chains c
SET next_offset = r.next_offset, last_digest = r.last_digest,
    chain_sequence = r.chain_sequence, head_hash = r.head_hash, updated_at = $7,
    checkpointed_at = coalesce(c.checkpointed_at, $7)
FROM unnest($1::text[], $2::int[], $3::bigint[], $4::bytea[], $5::bigint[], $6::bytea[])
  AS r (topic, partition, next_offset, last_digest, chain_sequence, head_hash)
WHERE c.topic = r.topic AND c.partition = r.partition
"""

_KNOWN_DECISIONS = """
SELECT d.event_id::text FROM unnest($1::text[], $2::timestamptz[]) AS r (event_id, moment)
JOIN decisions d ON d.event_id = r.event_id::uuid AND d.decided_at = r.moment
"""

_KNOWN_EVENTS = """
SELECT e.event_id::text FROM unnest($1::text[], $2::timestamptz[]) AS r (event_id, moment)
JOIN token_events e ON e.event_id = r.event_id::uuid AND e.at = r.moment
"""

_LEARN_NAMES = """
INSERT INTO client_names (client_id, name, client_type, at)
SELECT r.client_id::uuid, r.name, r.client_type, r.at
FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[])
  AS r (client_id, name, client_type, at)
ON CONFLICT (client_id) DO UPDATE
SET name = excluded.name, client_type = excluded.client_type, at = excluded.at
WHERE client_names.at < excluded.at
"""

_NAMES = "SELECT client_id::text, name FROM client_names WHERE client_id = ANY($1::uuid[])"

_SEE = """
INSERT INTO source_sequences AS s (source, bucket, seen, updated_at)
SELECT r.source, r.bucket, r.seen::bit(4096), $4
FROM unnest($1::text[], $2::bigint[], $3::text[]) AS r (source, bucket, seen)
ORDER BY r.source, r.bucket
ON CONFLICT (source, bucket) DO UPDATE
SET seen = s.seen | excluded.seen, updated_at = excluded.updated_at
WHERE s.seen | excluded.seen <> s.seen
"""

_REJECT = """
INSERT INTO rejected (
  topic, partition, "offset", digest, key, value, headers, why, source, source_sequence,
  rejected_at
)
SELECT r.*, $11
FROM unnest($1::text[], $2::int[], $3::bigint[], $4::bytea[], $5::bytea[], $6::bytea[],
  $7::json[], $8::text[], $9::text[], $10::bigint[]) AS r
ON CONFLICT DO NOTHING
"""


class Place(NamedTuple):
    """A topic partition."""

    topic: str
    partition: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """Where a topic partition's log and chain stand."""

    next_offset: int
    last_digest: bytes
    chain_sequence: int
    head_hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A record that is kept raw."""

    place: Place
    offset: int
    digest: bytes
    key: bytes | None
    value: bytes | None
    headers: str
    why: str
    source: str | None
    source_sequence: int | None


async def lock_chains(
    driver: asyncpg.Connection, places: Sequence[Place]
) -> dict[Place, Chain]:
    """Hold these chains until the transaction ends; those not met before begin now.

    The lock is what makes two consumers of one partition take turns: the second one sees what
    the first recorded.
    """
    columns = _columns(places)
    rows = await driver.fetch(_LOCK, *columns)
    if len(rows) < len(places):
        await driver.execute(_MEET, *columns)
        rows = await driver.fetch(_LOCK, *columns)
    return {Place(row["topic"], row["partition"]): _chain(row) for row in rows}


async def move_chains(
    driver: asyncpg.Connection, chains: Mapping[Place, Chain], *, now: datetime
) -> None:
    """Set where chains stand, which `lock_chains` holds."""
    await driver.execute(
        _MOVE,
        *_columns(list(chains)),
        [chain.next_offset for chain in chains.values()],
        [chain.last_digest for chain in chains.values()],
        [chain.chain_sequence for chain in chains.values()],
        [chain.head_hash for chain in chains.values()],
        now,
    )


async def known_decisions(
    driver: asyncpg.Connection, ids: Sequence[str], moments: Sequence[datetime]
) -> set[str]:
    """Those of these decisions' event ids that are recorded."""
    return {row[0] for row in await driver.fetch(_KNOWN_DECISIONS, ids, moments)}


async def known_token_events(
    driver: asyncpg.Connection, ids: Sequence[str], moments: Sequence[datetime]
) -> set[str]:
    """Those of these events' ids that are recorded."""
    return {row[0] for row in await driver.fetch(_KNOWN_EVENTS, ids, moments)}


async def add_decisions(
    driver: asyncpg.Connection, rows: Iterable[Mapping[str, object]]
) -> None:
    """Add records; raises UniqueViolationError if one is there."""
    await _copy(driver, "decisions", DECISION_COLUMNS, rows)


async def add_token_events(
    driver: asyncpg.Connection, rows: Iterable[Mapping[str, object]]
) -> None:
    """Add records; raises UniqueViolationError if one is there."""
    await _copy(driver, "token_events", TOKEN_EVENT_COLUMNS, rows)


async def _copy(
    driver: asyncpg.Connection,
    table: str,
    columns: Sequence[str],
    rows: Iterable[Mapping[str, object]],
) -> None:
    """COPY, in binary; rows are drawn as they are sent."""
    records = map(itemgetter(*columns), rows)
    await driver.copy_records_to_table(table, columns=columns, records=records)


async def learn_names(driver: asyncpg.Connection, names: Sequence[ClientName]) -> None:
    """Keep the newest name of each client; `names` has a client once."""
    rows = sorted(names, key=lambda item: item.client_id)  # one order for all: no deadlock
    await driver.execute(
        _LEARN_NAMES,
        [row.client_id for row in rows],
        [row.name for row in rows],
        [row.client_type for row in rows],
        [row.at for row in rows],
    )


async def names_of(driver: asyncpg.Connection, client_ids: Sequence[str]) -> dict[str, str]:
    """The names known of these clients."""
    return {row[0]: row[1] for row in await driver.fetch(_NAMES, client_ids)}


async def see(
    driver: asyncpg.Connection, seen: Sequence[tuple[str, int, str]], *, now: datetime
) -> None:
    """Set the bits of numbers that arrived: source, bucket, bit string."""
    await driver.execute(
        _SEE,
        [row[0] for row in seen],
        [row[1] for row in seen],
        [row[2] for row in seen],
        now,
    )


async def reject(
    driver: asyncpg.Connection, rows: Sequence[Rejection], *, now: datetime
) -> None:
    """Keep records raw; one that is there already stays."""
    await driver.execute(
        _REJECT,
        *_columns([row.place for row in rows]),
        [row.offset for row in rows],
        [row.digest for row in rows],
        [row.key for row in rows],
        [row.value for row in rows],
        [row.headers for row in rows],
        [row.why for row in rows],
        [row.source for row in rows],
        [row.source_sequence for row in rows],
        now,
    )


async def chains_of(
    driver: asyncpg.Connection, places: Sequence[Place]
) -> dict[Place, Chain]:
    """Where chains stand, without holding them; those not met are absent."""
    query = _LOCK.replace("FOR UPDATE", "")
    rows = await driver.fetch(query, *_columns(places))
    return {Place(row["topic"], row["partition"]): _chain(row) for row in rows}


def _chain(row: asyncpg.Record) -> Chain:
    return Chain(
        next_offset=row["next_offset"],
        last_digest=row["last_digest"],
        chain_sequence=row["chain_sequence"],
        head_hash=row["head_hash"],
    )


def _columns(places: Sequence[Place]) -> tuple[list[str], list[int]]:
    return [place.topic for place in places], [place.partition for place in places]
