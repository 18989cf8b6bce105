"""One page of a list, in a stable order, and how long the whole list is."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection


async def page_of(
    conn: AsyncConnection, query: Select[Any], *, number: int, size: int
) -> tuple[Sequence[Row[Any]], int]:
    """The rows of a page and the total. `query` must say its order, by something unique."""
    counted = select(func.count()).select_from(query.order_by(None).subquery())
    total = (await conn.execute(counted)).scalar_one()
    page = query.limit(size).offset((number - 1) * size)
    return (await conn.execute(page)).all(), total
