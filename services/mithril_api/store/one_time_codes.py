"""SQL over one_time_codes: what became of the codes that were sent."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.store.paging import page_of
from shared.models.schema.mithril import one_time_codes as o


@dataclass(frozen=True, slots=True, kw_only=True)
class SentCode:
    """A one-time code without the code, nor its digest."""

    id: UUID
    key: str
    code_expired_at: datetime | None
    status: str
    active: bool
    attempts_count: int
    inserted_at: datetime


async def page(
    conn: AsyncConnection,
    *,
    key: str | None,
    status: str | None,
    active: bool | None,
    number: int,
    size: int,
) -> tuple[list[SentCode], int]:
    """A page of codes, and how many there are. `key` is a part of the key, in any case."""
    query = select(
        o.c.id,
        o.c.key,
        o.c.code_expired_at,
        o.c.status,
        o.c.active,
        o.c.attempts_count,
        o.c.inserted_at,
    ).order_by(o.c.inserted_at, o.c.id)
    if key is not None:
        query = query.where(o.c.key.icontains(key, autoescape=True))
    if status is not None:
        query = query.where(o.c.status == status)
    if active is not None:
        query = query.where(o.c.active == active)
    rows, total = await page_of(conn, query, number=number, size=size)
    return [SentCode(**row._mapping) for row in rows], total  # noqa: SLF001 — public, despite its name
