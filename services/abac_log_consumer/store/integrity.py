"""SQL that tells how whole the log is: chains with their checkpoints, numbers by source."""

from typing import Any

from sqlalchemy import Row, Select, Text, cast, func, lateral, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from services.abac_log_consumer.domain.entries import Checkpoint
from services.abac_log_consumer.domain.integrity import (
    GAPS_SHOWN,
    Bucket,
    Chain,
    Source,
    gaps_of,
    highest_of,
)
from shared.models.schema.audit import BUCKET, chains, checkpoints, source_sequences
from shared.models.schema.audit import rejected as rejected_records

_s = source_sequences.c


async def chains_with_checkpoints(conn: AsyncConnection) -> list[Chain]:
    """Every chain, with the last checkpoint of each."""
    c = chains.c
    last = lateral(
        select(checkpoints)
        .where(checkpoints.c.topic == c.topic, checkpoints.c.partition == c.partition)
        .order_by(checkpoints.c.chain_sequence.desc())
        .limit(1)
    ).alias("last")
    query: Select[Any] = (
        select(
            c.topic,
            c.partition,
            c.chain_sequence,
            c.head_hash,
            c.next_offset,
            c.updated_at,
            last.c.id,
            last.c.chain_sequence.label("signed_sequence"),
            last.c.head_hash.label("signed_hash"),
            last.c.created_at,
            last.c.key_id,
            last.c.signature,
        )
        .select_from(chains.outerjoin(last, true()))
        .order_by(c.topic, c.partition)
    )
    return [_chain(row) for row in (await conn.execute(query)).all()]


async def sources(conn: AsyncConnection) -> list[Source]:
    """Every source: how many of its numbers were seen, and the first that were not."""
    query: Select[Any] = (
        select(
            _s.source,
            func.sum(func.bit_count(_s.seen)).label("seen"),
            func.max(_s.bucket).label("last"),
        )
        .group_by(_s.source)
        .order_by(_s.source)
    )
    rows = (await conn.execute(query)).all()
    return [await _source(conn, row) for row in rows]


async def rejected(conn: AsyncConnection) -> int:
    """How many records could not be understood."""
    query = select(func.count()).select_from(rejected_records)
    return (await conn.execute(query)).scalar_one()


async def _source(conn: AsyncConnection, row: Row[Any]) -> Source:
    last = await _buckets(conn, _s.source == row.source, _s.bucket == row.last)
    top = highest_of(last[0], size=BUCKET) if "1" in last[0].seen else row.last * BUCKET
    incomplete = await _buckets(
        conn, _s.source == row.source, func.bit_count(_s.seen) < BUCKET
    )
    gaps = gaps_of(incomplete, await _absent(conn, row.source), size=BUCKET, top=top)
    return Source(name=row.source, highest=top, seen=int(row.seen), gaps=gaps)


async def _buckets(conn: AsyncConnection, *terms: Any) -> list[Bucket]:
    query: Select[Any] = (
        select(_s.bucket, cast(_s.seen, Text).label("bits"))
        .where(*terms)
        .order_by(_s.bucket)
        .limit(GAPS_SHOWN)
    )
    rows = (await conn.execute(query)).all()
    return [Bucket(index=row.bucket, seen=row.bits) for row in rows]


async def _absent(conn: AsyncConnection, source: str) -> list[tuple[int, int]]:
    """Stretches of buckets below the last that there is no row of."""
    before = func.coalesce(func.lag(_s.bucket).over(order_by=_s.bucket), -1)
    steps = (
        select(_s.bucket.label("bucket"), before.label("before"))
        .where(_s.source == source)
        .subquery()
    )
    query: Select[Any] = (
        select(steps.c.before + 1, steps.c.bucket - 1)
        .where(steps.c.bucket - steps.c.before > 1)
        .order_by(steps.c.bucket)
        .limit(GAPS_SHOWN)
    )
    return [(first, last) for first, last in (await conn.execute(query)).all()]


def _chain(row: Row[Any]) -> Chain:
    checkpoint = None
    if row.id is not None:
        checkpoint = Checkpoint(
            id=row.id,
            topic=row.topic,
            partition=row.partition,
            sequence=row.signed_sequence,
            head_hash=row.signed_hash,
            created_at=row.created_at,
            key_id=row.key_id,
            signature=row.signature,
        )
    return Chain(
        topic=row.topic,
        partition=row.partition,
        records=row.chain_sequence,
        head_hash=row.head_hash,
        next_offset=row.next_offset,
        updated_at=row.updated_at,
        checkpoint=checkpoint,
    )
