"""SQL by which auditors read: lists newest first, one record, and whole exports."""

from collections.abc import AsyncGenerator, Callable
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from services.abac_log_consumer.domain.entries import (
    Checkpoint,
    Decision,
    Following,
    Link,
    TokenEvent,
)
from services.abac_log_consumer.domain.filters import Asked
from shared.models.schema.audit import checkpoints, client_names, decisions, token_events

Entry = TypeVar("Entry")

d, t, n, c = decisions.c, token_events.c, client_names.c, checkpoints.c

_DECISION = (
    d.event_id,
    d.decision_id,
    d.decided_at,
    d.recorded_at,
    d.user_id,
    d.client_id,
    d.client_type,
    d.client_name,
    d.mis_client_id,
    d.person_id,
    d.patient_id,
    d.resource_type,
    d.resource_id,
    d.action,
    d.contexts,
    d.result,
    d.rules,
    d.reason,
    d.policy_version,
    d.request_id,
    d.trace_id,
    d.source,
    d.source_sequence,
    d.topic,
    d.partition,
    d.offset,
    d.chain_sequence,
    d.hash,
    d.previous_hash,
)
_TOKEN_EVENT = (
    t.event_id,
    t.type,
    t.at,
    t.recorded_at,
    t.user_id,
    t.client_id,
    n.name.label("client_name"),
    t.data,
    t.trace_id,
    t.source,
    t.source_sequence,
    t.topic,
    t.partition,
    t.offset,
    t.chain_sequence,
    t.hash,
    t.previous_hash,
)
_CHECKPOINT = (
    c.id,
    c.topic,
    c.partition,
    c.chain_sequence,
    c.head_hash,
    c.created_at,
    c.key_id,
    c.signature,
)


def decisions_asked(asked: Asked) -> Select[Any]:
    """The decisions that filters choose, newest first, from a place on."""
    query = select(*_DECISION).where(*decision_terms(asked))
    return _in_order(query, asked, at=d.decided_at, key=d.event_id)


def decision_terms(asked: Asked) -> list[ColumnElement[bool]]:
    """What each decision asked for fulfils. A period lets PostgreSQL skip the other months."""
    terms = [
        d.rules.contains([value]) if name == "rule" else d[name] == value
        for name, value in asked.wanted.items()
    ]
    return terms + _within(asked, d.decided_at)


def token_events_asked(asked: Asked) -> Select[Any]:
    """The token and account events that filters choose, newest first, from a place on."""
    terms = [t[name] == value for name, value in asked.wanted.items()]
    joined = token_events.outerjoin(client_names, n.client_id == t.client_id)
    query = select(*_TOKEN_EVENT).select_from(joined)
    query = query.where(*terms, *_within(asked, t.at))
    return _in_order(query, asked, at=t.at, key=t.event_id)


async def some_decisions(
    conn: AsyncConnection, asked: Asked, *, most: int
) -> list[Decision]:
    """At most `most` of the decisions asked for."""
    rows = (await conn.execute(decisions_asked(asked).limit(most))).all()
    return [_decision(row) for row in rows]


async def some_token_events(
    conn: AsyncConnection, asked: Asked, *, most: int
) -> list[TokenEvent]:
    """At most `most` of the token and account events asked for."""
    rows = (await conn.execute(token_events_asked(asked).limit(most))).all()
    return [_token_event(row) for row in rows]


async def span_of_decisions(conn: AsyncConnection) -> tuple[datetime, datetime] | None:
    """When the oldest and the newest decision were made."""
    return await _span(conn, d.decided_at)


async def span_of_token_events(conn: AsyncConnection) -> tuple[datetime, datetime] | None:
    """When the oldest and the newest token event were."""
    return await _span(conn, t.at)


async def _span(
    conn: AsyncConnection, at: ColumnElement[Any]
) -> tuple[datetime, datetime] | None:
    first, last = (await conn.execute(select(func.min(at), func.max(at)))).one()
    return None if first is None else (first, last)


def all_decisions(conn: AsyncConnection, asked: Asked) -> AsyncGenerator[list[Decision]]:
    """Every decision asked for, some at a time, through a cursor of the transaction."""
    return _streamed(conn, decisions_asked(asked), _decision)


def all_token_events(
    conn: AsyncConnection, asked: Asked
) -> AsyncGenerator[list[TokenEvent]]:
    """Every token and account event asked for, some at a time, as above."""
    return _streamed(conn, token_events_asked(asked), _token_event)


async def decision_with_checkpoint(
    conn: AsyncConnection, event_id: UUID
) -> tuple[Decision, Checkpoint | None] | None:
    """One decision, and the first checkpoint of its chain from there on, which covers it."""
    query: Select[Any] = select(*_DECISION).where(d.event_id == event_id)
    row = (await conn.execute(query)).one_or_none()
    if row is None:
        return None
    covering: Select[Any] = (
        select(*_CHECKPOINT)
        .where(
            c.topic == row.topic,
            c.partition == row.partition,
            c.chain_sequence >= row.chain_sequence,
        )
        .order_by(c.chain_sequence)
        .limit(1)
    )
    checkpoint = (await conn.execute(covering)).one_or_none()
    return _decision(row), None if checkpoint is None else checkpoint_of(checkpoint)


async def following(conn: AsyncConnection, link: Link) -> Following | None:
    """The record after this one in its chain, if it came already."""
    query: Select[Any] = select(d.event_id, d.previous_hash, d.hash).where(
        d.topic == link.topic,
        d.partition == link.partition,
        d.chain_sequence == link.sequence + 1,
    )
    row = (await conn.execute(query)).one_or_none()
    if row is None:
        return None
    return Following(
        id=row.event_id,
        sequence=link.sequence + 1,
        hash=row.hash,
        previous_hash=row.previous_hash,
    )


def checkpoint_of(row: Row[Any]) -> Checkpoint:
    """A checkpoint from its row."""
    return Checkpoint(
        id=row.id,
        topic=row.topic,
        partition=row.partition,
        sequence=row.chain_sequence,
        head_hash=row.head_hash,
        created_at=row.created_at,
        key_id=row.key_id,
        signature=row.signature,
    )


def _within(asked: Asked, at: ColumnElement[Any]) -> list[ColumnElement[bool]]:
    terms: list[ColumnElement[bool]] = []
    if asked.since is not None:
        terms.append(at >= asked.since)
    if asked.until is not None:
        terms.append(at < asked.until)
    return terms


def _in_order(
    query: Select[Any], asked: Asked, *, at: ColumnElement[Any], key: ColumnElement[Any]
) -> Select[Any]:
    if asked.after is not None:
        place = asked.after
        # The first term follows from the second; partitions are pruned by it alone.
        query = query.where(at <= place.at, tuple_(at, key) < tuple_(place.at, place.id))
    return query.order_by(at.desc(), key.desc())


async def _streamed(
    conn: AsyncConnection,
    query: Select[Any],
    made: Callable[[Row[Any]], Entry],
) -> AsyncGenerator[list[Entry]]:
    options = {"yield_per": 500}
    async with conn.stream(query, execution_options=options) as result:
        async for rows in result.partitions():
            yield [made(row) for row in rows]


def _decision(row: Row[Any]) -> Decision:
    return Decision(
        id=row.event_id,
        decision_id=row.decision_id,
        decided_at=row.decided_at,
        recorded_at=row.recorded_at,
        user_id=row.user_id,
        client_id=row.client_id,
        client_type=row.client_type,
        client_name=row.client_name,
        mis_client_id=row.mis_client_id,
        person_id=row.person_id,
        patient_id=row.patient_id,
        resource_type=row.resource_type,
        resource_id=row.resource_id,
        action=row.action,
        contexts=row.contexts,
        result=row.result,
        rules=row.rules,
        reason=row.reason,
        policy_version=row.policy_version,
        request_id=row.request_id,
        trace_id=row.trace_id,
        source=row.source,
        sequence=row.source_sequence,
        link=_link(row),
    )


def _token_event(row: Row[Any]) -> TokenEvent:
    return TokenEvent(
        id=row.event_id,
        type=row.type,
        at=row.at,
        recorded_at=row.recorded_at,
        user_id=row.user_id,
        client_id=row.client_id,
        client_name=row.client_name,
        data=row.data,
        trace_id=row.trace_id,
        source=row.source,
        sequence=row.source_sequence,
        link=_link(row),
    )


def _link(row: Row[Any]) -> Link:
    return Link(
        topic=row.topic,
        partition=row.partition,
        offset=row.offset,
        sequence=row.chain_sequence,
        hash=row.hash,
        previous_hash=row.previous_hash,
    )
