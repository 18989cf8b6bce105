"""SQL over audit_queries: what auditors asked. Only ever added to."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from services.abac_log_consumer.domain.entries import Asker, AuditQuery
from services.abac_log_consumer.domain.filters import Asked
from shared.models.schema.audit import audit_queries, audit_query_ends

q, e = audit_queries.c, audit_query_ends.c


async def add(
    conn: AsyncConnection,
    *,
    id: UUID,  # noqa: A002 — the column's name
    at: datetime,
    asker: Asker,
    operation: str,
    filters: Mapping[str, Any],
    rows: int | None,
) -> None:
    """Write down one query; `rows` is none for an export, whose end is told later."""
    await conn.execute(
        audit_queries.insert().values(
            id=id,
            asked_at=at,
            user_id=asker.user_id,
            client_id=asker.client_id,
            token_id=asker.token_id,
            operation=operation,
            filters=orjson.loads(orjson.dumps(filters, default=str)),
            rows=rows,
            request_id=asker.request_id,
        )
    )


async def end(
    conn: AsyncConnection, query_id: UUID, *, at: datetime, rows: int, complete: bool
) -> None:
    """Write down how an export ended."""
    await conn.execute(
        audit_query_ends.insert().values(
            query_id=query_id, ended_at=at, rows=rows, complete=complete
        )
    )


async def some(conn: AsyncConnection, asked: Asked, *, most: int) -> list[AuditQuery]:
    """At most `most` of the queries asked for, newest first, from a place on."""
    query = (
        select(
            q.id,
            q.asked_at,
            q.user_id,
            q.client_id,
            q.token_id,
            q.operation,
            q.filters,
            func.coalesce(e.rows, q.rows).label("shown"),
            e.complete,
            q.request_id,
        )
        .select_from(audit_queries.outerjoin(audit_query_ends, e.query_id == q.id))
        .where(*(q[name] == value for name, value in asked.wanted.items()))
        .order_by(q.asked_at.desc(), q.id.desc())
        .limit(most)
    )
    if asked.since is not None:
        query = query.where(q.asked_at >= asked.since)
    if asked.until is not None:
        query = query.where(q.asked_at < asked.until)
    if asked.after is not None:
        place = tuple_(asked.after.at, asked.after.id)
        query = query.where(tuple_(q.asked_at, q.id) < place)
    return [
        AuditQuery(
            id=row.id,
            at=row.asked_at,
            asker=Asker(
                user_id=row.user_id,
                client_id=row.client_id,
                token_id=row.token_id,
                request_id=row.request_id,
            ),
            operation=row.operation,
            filters=row.filters,
            rows=row.shown,
            complete=row.complete,
        )
        for row in (await conn.execute(query)).all()
    ]
