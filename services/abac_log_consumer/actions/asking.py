"""Every query of the audit log is itself written down, in the transaction that answers it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.abac_log_consumer.deps import Deps
from services.abac_log_consumer.domain.entries import Asker
from services.abac_log_consumer.store import audit_queries


async def write_down(
    deps: Deps,
    conn: AsyncConnection,
    asker: Asker,
    *,
    operation: str,
    filters: Mapping[str, Any],
    rows: int | None,
) -> UUID:
    """Who asked what, now, and how many records it showed. The answer leaves after the commit."""
    query_id = deps.entropy.uuid()
    await audit_queries.add(
        conn,
        id=query_id,
        at=deps.clock.now(),
        asker=asker,
        operation=operation,
        filters=filters,
        rows=rows,
    )
    return query_id
