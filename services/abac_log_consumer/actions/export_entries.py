"""A whole export: written down before its first record leaves, and again when it ends.

It reads through a cursor on a connection of its own, some records at a time, so its memory
does not grow with the log; a cursor is one snapshot, so what arrives meanwhile is not in it.
"""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from services.abac_log_consumer.actions.asking import write_down
from services.abac_log_consumer.deps import Deps
from services.abac_log_consumer.domain.entries import Asker, Decision, TokenEvent
from services.abac_log_consumer.domain.filters import Asked
from services.abac_log_consumer.store import audit_queries, reading
from shared.runtime.postgres import Database


@dataclass(slots=True, kw_only=True)
class Progress:
    """How far an export has come."""

    rows: int = 0
    complete: bool = False


async def begin_export(deps: Deps, asked: Asked, *, asker: Asker, operation: str) -> UUID:
    """Write down that an export is asked for."""
    filters = {**asked.said(), "format": asked.form}
    async with deps.db.begin() as conn:
        return await write_down(
            deps, conn, asker, operation=operation, filters=filters, rows=None
        )


async def end_export(deps: Deps, export_id: UUID, progress: Progress) -> None:
    """Write down how many records went, and whether all did."""
    async with deps.db.begin() as conn:
        await audit_queries.end(
            conn,
            export_id,
            at=deps.clock.now(),
            rows=progress.rows,
            complete=progress.complete,
        )


@asynccontextmanager
async def exported_decisions(
    db: Database, asked: Asked
) -> AsyncIterator[AsyncIterator[list[Decision]]]:
    """The decisions, some at a time. Leaving early ends the query."""
    async with db.begin() as conn, aclosing(reading.all_decisions(conn, asked)) as batches:
        yield batches


@asynccontextmanager
async def exported_token_events(
    db: Database, asked: Asked
) -> AsyncIterator[AsyncIterator[list[TokenEvent]]]:
    """The token and account events, some at a time. Leaving early ends the query."""
    async with (
        db.begin() as conn,
        aclosing(reading.all_token_events(conn, asked)) as batches,
    ):
        yield batches
