"""SQL over one_time_codes: what was sent, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.domain.one_time_codes import Code, Judged, Status
from services.mithril_api.store.paging import page_of
from shared.models.ids import UserId
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


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCode:
    """A code that is about to be sent: only its digest."""

    id: UUID
    key: str
    digest: bytes = field(repr=False)
    user_id: UserId
    expires_at: datetime
    made_at: datetime


async def sent_since(
    conn: AsyncConnection, user_id: UserId, since: datetime
) -> Sequence[datetime]:
    """When codes were sent to a user after then, oldest first."""
    query = select(o.c.inserted_at).where(o.c.user_id == user_id, o.c.inserted_at > since)
    return (await conn.execute(query.order_by(o.c.inserted_at))).scalars().all()


async def add(conn: AsyncConnection, code: NewCode, *, forgotten_before: datetime) -> None:
    """Store a code. The user's codes made before then are deleted: they are but history."""
    old = o.c.user_id == code.user_id, o.c.inserted_at < forgotten_before
    await conn.execute(delete(o).where(*old))
    await conn.execute(
        insert(o).values(
            id=code.id,
            key=code.key,
            code_digest=code.digest,
            code_expired_at=code.expires_at,
            status=Status.NEW,
            user_id=code.user_id,
            inserted_at=code.made_at,
        )
    )


async def hold_latest(conn: AsyncConnection, key: str) -> Code | None:
    """The latest code of a key, its row held: however many answers at once, each is counted."""
    query = (
        select(o)
        .where(o.c.key == key)
        .order_by(o.c.inserted_at.desc(), o.c.id.desc())
        .limit(1)
        .with_for_update()
    )
    row = (await conn.execute(query)).one_or_none()
    if row is None:
        return None
    return Code(
        id=row.id,
        digest=row.code_digest,
        status=Status(row.status),
        attempts=row.attempts_count,
        expires_at=row.code_expired_at,
    )


async def note(conn: AsyncConnection, code_id: UUID, judged: Judged) -> None:
    """Store what came of an answer to a code whose row the caller holds."""
    values = {
        "status": judged.status,
        "attempts_count": judged.attempts,
        "active": judged.status is Status.NEW,
    }
    await conn.execute(update(o).where(o.c.id == code_id).values(values))


async def cancel(conn: AsyncConnection, code_id: UUID) -> None:
    """A code that is not to be answered any more, for it never got to anybody."""
    values = {"status": Status.CANCELED, "active": False}
    statement = update(o).where(o.c.id == code_id, o.c.status == Status.NEW)
    await conn.execute(statement.values(values))


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
