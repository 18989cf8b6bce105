"""SQL over legacy_imports: which imports there were."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.models.schema.mithril import legacy_imports as li

_LOCK = text("SELECT pg_try_advisory_lock(hashtext('mithril import-legacy'))")


async def is_alone(conn: AsyncConnection) -> bool:
    """Whether no other import runs; then none does for as long as this connection is open."""
    return bool((await conn.execute(_LOCK)).scalar_one())


async def former_source(conn: AsyncConnection) -> str | None:
    """Where the latest import read from; none: there was none."""
    query = select(li.c.source).order_by(li.c.started_at.desc()).limit(1)
    return (await conn.execute(query)).scalar_one_or_none()


async def begin(conn: AsyncConnection, run_id: UUID, source: str, *, at: datetime) -> None:
    """Note that an import began."""
    values = {"id": run_id, "source": source, "started_at": at}
    await conn.execute(insert(li).values(values))


async def finish(conn: AsyncConnection, run_id: UUID, *, at: datetime) -> None:
    """Note that an import came to its end."""
    statement = update(li).where(li.c.id == run_id)
    await conn.execute(statement.values(finished_at=at))
