"""SQL over job_runs. Every function takes the caller's connection."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import RowMapping, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.scheduler.domain.runs import Outcome, Run
from shared.models.schema.mithril import job_runs as t

_COLUMNS = (
    t.c.id,
    t.c.job,
    t.c.tick,
    t.c.started_at,
    t.c.finished_at,
    t.c.outcome,
    t.c.affected,
    t.c.details,
)


async def begin(conn: AsyncConnection, run: Run) -> bool:
    """Note that a run began. False: its tick has been done already."""
    statement = (
        insert(t)
        .values(id=run.id, job=run.job, tick=run.tick, started_at=run.started_at)
        .on_conflict_do_nothing(index_elements=[t.c.job, t.c.tick])
    )
    return (await conn.execute(statement)).rowcount == 1


async def end(conn: AsyncConnection, run: Run) -> None:
    """Note how a run ended."""
    statement = (
        update(t)
        .where(t.c.id == run.id)
        .values(
            finished_at=run.finished_at,
            outcome=run.outcome,
            affected=run.affected,
            details=dict(run.details),
        )
    )
    await conn.execute(statement)


async def end_abandoned(conn: AsyncConnection, job: str, *, at: datetime) -> int:
    """Mark runs whose process died as failed. Only for who holds the job's lock."""
    statement = (
        update(t)
        .where(t.c.job == job, t.c.finished_at.is_(None))
        .values(
            finished_at=at,
            outcome=Outcome.FAILED,
            details=t.c.details.op("||")({"error": "the process ended during the run"}),
        )
    )
    return (await conn.execute(statement)).rowcount


async def latest(conn: AsyncConnection, job: str) -> Run | None:
    """The latest run of a job: one probe of the index."""
    query = select(*_COLUMNS).where(t.c.job == job).order_by(t.c.started_at.desc()).limit(1)
    row = (await conn.execute(query)).mappings().one_or_none()
    return None if row is None else _run(row)


async def page(
    conn: AsyncConnection, job: str, *, offset: int, limit: int
) -> tuple[Sequence[Run], int]:
    """Runs of a job, latest first, and how many there are in all."""
    total = select(func.count()).select_from(t).where(t.c.job == job)
    query = (
        select(*_COLUMNS)
        .where(t.c.job == job)
        .order_by(t.c.started_at.desc(), t.c.id.desc())
        .offset(offset)
        .limit(limit)
    )
    count = (await conn.execute(total)).scalar_one()
    return [_run(row) for row in (await conn.execute(query)).mappings()], count


async def delete_old(conn: AsyncConnection, *, before: datetime, limit: int) -> int:
    """Delete at most `limit` runs that began before then. Returns how many went."""
    old = select(t.c.id).where(t.c.started_at < before).limit(limit)
    return (await conn.execute(delete(t).where(t.c.id.in_(old)))).rowcount


def _run(row: RowMapping) -> Run:
    outcome = row["outcome"]
    return Run(**{**row, "outcome": None if outcome is None else Outcome(outcome)})
