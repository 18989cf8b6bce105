"""GET /jobs, GET /jobs/{name}/runs, POST /jobs/{name}/run."""

from dataclasses import asdict
from typing import Any

from aiohttp import web

from services.scheduler.actions.run_job import run_job
from services.scheduler.domain.runs import Run, Skipped
from services.scheduler.handlers.keys import DEPS, JOBS
from services.scheduler.settings import Settings
from services.scheduler.store import runs
from services.scheduler.work import Job
from shared.runtime.http import note
from shared.wire.envelope import (
    Answer,
    Invalid,
    Page,
    conflict,
    not_found,
    validation_failed,
)

_PAGE_SIZE = 50
_LARGEST_PAGE = 500
_LAST_PAGE = 1_000_000


async def get_jobs(request: web.Request) -> Answer:
    """Every job, when it runs next, and its latest run."""
    deps = request.app[DEPS]
    jobs, now = request.app[JOBS], deps.clock.now()
    async with deps.db.read() as conn:
        latest = [await runs.latest(conn, job.name) for job in jobs]
    return Answer(
        data=[
            {
                **_described(job, deps.settings),
                "next_run_at": job.trigger(deps.settings).get_next_fire_time(None, now),
                "last_run": None if run is None else _rendered(run),
            }
            for job, run in zip(jobs, latest, strict=True)
        ]
    )


async def get_runs(request: web.Request) -> Answer:
    """The runs of a job, latest first."""
    job = _job_of(request)
    number = _number(request, "page", default=1, most=_LAST_PAGE)
    size = _number(request, "page_size", default=_PAGE_SIZE, most=_LARGEST_PAGE)
    async with request.app[DEPS].db.read() as conn:
        found, total = await runs.page(
            conn, job.name, offset=(number - 1) * size, limit=size
        )
    return Answer(
        data=[_rendered(run) for run in found],
        paging=Page(number=number, size=size, total=total),
    )


async def post_run(request: web.Request) -> Answer:
    """Run a job now and answer when it has ended; 409 where another process is at it."""
    job = _job_of(request)
    note(request, job=job.name)
    result = await run_job(request.app[DEPS], job)
    if isinstance(result, Skipped):
        raise conflict(f"Job {job.name} is running in another process.")
    return Answer(data=_rendered(result))


def _job_of(request: web.Request) -> Job:
    for job in request.app[JOBS]:
        if job.name == request.match_info["name"]:
            return job
    raise not_found()


def _number(request: web.Request, name: str, *, default: int, most: int) -> int:
    raw = request.query.get(name, str(default))
    number = int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 10 else 0
    if not 1 <= number <= most:
        text = f"expected a number from 1 to {most}"
        raise validation_failed(
            [
                Invalid(
                    entry=f"$.{name}",
                    rule="number",
                    description=text,
                    params={"min": 1, "max": most},
                    entry_type="query_parameter",
                )
            ]
        )
    return number


def _described(job: Job, settings: Settings) -> dict[str, Any]:
    kept = None if job.kept_for is None else getattr(settings, job.kept_for)
    return {
        "name": job.name,
        "schedule": job.expression(settings),
        "what": job.what,
        "retention_days": kept,
        "reason": job.reason,
        "counts": job.counts,
    }


def _rendered(run: Run) -> dict[str, Any]:
    return asdict(run)
