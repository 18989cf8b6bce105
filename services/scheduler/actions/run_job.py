"""Run a job once, whatever the number of replicas, and keep what came of it."""

import time
from dataclasses import replace
from datetime import datetime

import asyncpg

from services.scheduler.deps import Deps
from services.scheduler.domain.runs import Outcome, Result, Run, Skipped, SkipReason
from services.scheduler.store import locks, runs
from services.scheduler.work import Job, Progress, StopRequestedError
from shared.runtime import acting, logging, tracing
from shared.runtime.postgres import LOST, DatabaseUnavailableError

_log = logging.get("jobs")

_AWAY = (DatabaseUnavailableError, asyncpg.PostgresError, *LOST)


async def run_job(deps: Deps, job: Job, *, tick: datetime | None = None) -> Result:
    """Run a job under its lock and leave a row. `tick`: the scheduled moment it is run for.

    A tick is run at most once: where another process has had it, or is at the job now, the
    job is skipped. A run that fails is a result, not an exception.

    Raises:
        DatabaseUnavailableError: the database is away, so there may be no row.
    """
    started = time.perf_counter()
    try:
        result = await _run_alone(deps, job, tick)
    except _AWAY as error:
        deps.metrics.runs.labels(job.name, Outcome.FAILED).inc()
        raise DatabaseUnavailableError(_first_line(error)) from error
    _tell(deps, result, took=time.perf_counter() - started)
    return result


async def _run_alone(deps: Deps, job: Job, tick: datetime | None) -> Result:
    url = deps.settings.database_url.get_secret_value()
    async with locks.held(url, job.name) as ours:
        if not ours:
            return Skipped(job=job.name, reason=SkipReason.ELSEWHERE)
        now = deps.clock.now()
        run = Run(id=deps.entropy.uuid(), job=job.name, tick=tick, started_at=now)
        async with deps.db.begin() as conn:
            await runs.end_abandoned(conn, job.name, at=now)
            if not await runs.begin(conn, run):
                return Skipped(job=job.name, reason=SkipReason.DONE)
        with tracing.work(f"job {job.name}"):
            ended = await _work(deps, job, run)
        async with deps.db.begin() as conn:
            await runs.end(conn, ended)
        return ended


async def _work(deps: Deps, job: Job, run: Run) -> Run:
    progress = Progress(run_id=run.id, stop=deps.stop)
    if (by := acting.current.get()) is not None:
        progress.details["actor_id"] = str(by)
    outcome = Outcome.SUCCEEDED
    try:
        await job.work(deps, progress)
    except StopRequestedError:
        outcome = Outcome.STOPPED
    except Exception as error:  # noqa: BLE001 — whatever it is, the row must say it
        outcome = Outcome.FAILED
        progress.details["error"] = _first_line(error)
    return replace(
        run,
        finished_at=deps.clock.now(),
        outcome=outcome,
        affected=progress.affected,
        details=progress.details,
    )


def _first_line(error: BaseException) -> str:
    text = (str(error).splitlines() or [""])[0]
    return f"{type(error).__name__}: {text}"[:300]


def _tell(deps: Deps, result: Result, *, took: float) -> None:
    metrics = deps.metrics
    if isinstance(result, Skipped):
        metrics.runs.labels(result.job, result.reason).inc()
        _log.info("job skipped", job=result.job, reason=result.reason)
        return
    outcome = result.outcome
    metrics.runs.labels(result.job, outcome).inc()
    metrics.duration.labels(result.job).observe(took)
    metrics.affected.labels(result.job).inc(result.affected)
    if outcome is Outcome.SUCCEEDED:
        metrics.last_success.labels(result.job).set(deps.clock.now().timestamp())
    say = _log.error if outcome is Outcome.FAILED else _log.info
    say(
        "job ended",
        job=result.job,
        run_id=str(result.id),
        outcome=outcome,
        affected=result.affected,
        ms=round(took * 1000, 1),
        **result.details,
    )
