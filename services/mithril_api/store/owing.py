"""SQL over what is owed to others: whose turn it is. Every function takes the caller's connection.

For tables with `id`, `attempts` and `next_attempt_at`: mails, and the ends of sessions.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Table, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection


async def take(
    conn: AsyncConnection,
    table: Table,
    *,
    now: datetime,
    again_at: Callable[[int], datetime],
) -> tuple[Row[Any], int] | None:
    """The row whose turn it is and how often it was taken; nobody else gets it until `again_at`.

    `again_at` is told how often it was taken before. A row that another postman is taking this
    moment is passed over.
    """
    due = (
        select(table)
        .where(table.c.next_attempt_at <= now)
        .order_by(table.c.next_attempt_at, table.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = (await conn.execute(due)).one_or_none()
    if row is None:
        return None
    attempts = row.attempts + 1
    taken = {"attempts": attempts, "next_attempt_at": again_at(row.attempts)}
    await conn.execute(update(table).where(table.c.id == row.id).values(taken))
    return row, attempts


async def remove(conn: AsyncConnection, table: Table, owed_id: UUID) -> None:
    """Owe it no longer."""
    await conn.execute(delete(table).where(table.c.id == owed_id))
