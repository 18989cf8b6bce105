"""mithril mithril-scheduler: serve, jobs, run, doctor."""

import asyncio
import signal
import sys

import typer

from services.scheduler import app as composition
from services.scheduler.actions.remove_retired import remove_retired
from services.scheduler.actions.run_job import run_job
from services.scheduler.domain.runs import Outcome, Result, Run, Skipped
from services.scheduler.jobs import BY_NAME, JOBS
from services.scheduler.settings import Settings
from services.scheduler.store import runs
from services.scheduler.work import Job
from shared.runtime import logging
from shared.runtime.commands import print_settings, report, serve_until_told
from shared.runtime.postgres import DatabaseUnavailableError
from shared.runtime.settings import load_or_exit

_TEMPORARY = 75  # EX_TEMPFAIL of sysexits.h

cli = typer.Typer(
    no_args_is_help=True, help="Timed work: partitions, purges, expiries, retention."
)


@cli.command("serve")
def serve_command() -> None:
    """Serve both listeners and keep the jobs' hours, until SIGTERM."""
    settings = load_or_exit(Settings)
    serve_until_told(composition.NAME, settings, composition.process)


@cli.command("jobs")
def jobs_command() -> None:
    """List the jobs: when each runs, what it keeps, and how its latest run ended."""
    settings = load_or_exit(Settings)
    endings = asyncio.run(_endings(settings))
    rows = [
        (job.name, job.expression(settings), _keeps(job, settings), ending)
        for job, ending in zip(JOBS, endings, strict=True)
    ]
    table = [("JOB", "SCHEDULE (UTC)", "KEEPS", "LATEST RUN"), *rows]
    widths = [max(len(row[column]) for row in table) for column in range(4)]
    for row in table:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        typer.echo("  ".join(cells).rstrip())


@cli.command("run")
def run_command(job: str) -> None:
    """Run a job now. Exit 1 if it failed; 75 if it is not done: stopped, or run elsewhere."""
    chosen = BY_NAME.get(job)
    if chosen is None:
        typer.echo(f"no job `{job}`; there are {', '.join(BY_NAME)}", err=True)
        sys.exit(2)
    settings = load_or_exit(Settings)
    logging.configure(service=composition.NAME, level="error", human=settings.human_logs())
    try:
        result = asyncio.run(_run(settings, chosen))
    except DatabaseUnavailableError as error:
        typer.echo(f"{job}: the database is away: {error}", err=True)
        sys.exit(_TEMPORARY)
    if isinstance(result, Skipped) or result.outcome is Outcome.STOPPED:
        sys.exit(_TEMPORARY)
    if result.outcome is Outcome.FAILED:
        sys.exit(1)


@cli.command("doctor")
def doctor_command() -> None:
    """Print the settings, secrets hidden, and try each neighbour. Exit 1 if one fails."""
    settings = load_or_exit(Settings)
    print_settings(settings)
    report(asyncio.run(composition.examine(settings)))


def _print(result: Result, job: Job) -> None:
    if isinstance(result, Skipped):
        typer.echo(f"{job.name}: skipped, another process is running it", err=True)
        return
    typer.echo(f"{job.name}: {result.outcome}, {result.affected} {job.counts}")
    for name, value in result.details.items():
        typer.echo(f"  {name}: {value}")


async def _run(settings: Settings, job: Job) -> Result:
    built = composition.build(settings)
    deps = built.deps
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, deps.stop.set)
    try:
        result = await run_job(deps, job)
        _print(result, job)
        if deps.retired.is_set():
            await remove_retired(deps)
    finally:
        await built.close()
    return result


async def _endings(settings: Settings) -> list[str]:
    """How the latest run of each job ended."""
    deps = composition.build(settings).deps
    try:
        async with deps.db.read() as conn:
            return [_ending(job, await runs.latest(conn, job.name)) for job in JOBS]
    except DatabaseUnavailableError:
        return ["the database is away" for _ in JOBS]
    finally:
        await deps.db.dispose()


def _ending(job: Job, run: Run | None) -> str:
    if run is None:
        return "never"
    outcome = run.outcome or "running"
    return f"{run.started_at:%Y-%m-%d %H:%M:%S} {outcome}, {run.affected} {job.counts}"


def _keeps(job: Job, settings: Settings) -> str:
    return "-" if job.kept_for is None else f"{getattr(settings, job.kept_for)} days"
