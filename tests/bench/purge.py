"""What purging costs: by dropping partitions, so not more for a million than for a few."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import asyncpg

from services.scheduler import app as scheduler
from services.scheduler.actions.remove_retired import remove_retired
from services.scheduler.actions.run_job import run_job
from services.scheduler.deps import Deps
from services.scheduler.domain.runs import Outcome, Run
from services.scheduler.jobs import BY_NAME
from services.scheduler.settings import Settings
from shared.runtime import logging
from shared.runtime.partitions import Unit, partition_of
from tests.bench import targets
from tests.bench.load import Load
from tests.bench.targets import Target

_FEW, _MANY = 10_000, 1_000_000
_ROUNDS = 3  # the least of these is kept: a purge is short and the machine is shared

_FILL = """
INSERT INTO {partition}
  (id, name, digest, user_id, client_id, family_id, scope, expires_at)
SELECT gen_random_uuid(), 'access_token', sha256(uuid_send(gen_random_uuid())),
  gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), '{{a:read}}',
  timestamptz '{start}' + random() * interval '6 days'
FROM generate_series(1, {count})
"""


async def measure(
    url: str, refreshing: Callable[[], Coroutine[None, None, Load]]
) -> list[tuple[Target, float, str]]:
    """The three lines of the table about purging.

    The job ends when the tokens are out of the table and the event is committed; the files
    are unlinked afterwards, beside everything else. The bound on seconds is held against
    both together, the bound on growth against the job.
    """
    logging.configure(service="bench", level="error", human=False)
    deps = scheduler.build(Settings(database_url=url)).deps
    try:
        few, many = list[_Took](), list[_Took]()
        for week in range(1, _ROUNDS + 1):
            for count, rounds in ((_FEW, few), (_MANY, many)):
                await _fill(url, count, week)
                rounds.append(await _timed(deps))
        await _fill(url, _MANY, 1)
        async with asyncio.TaskGroup() as group:
            load = group.create_task(refreshing())
            beside = await _timed(deps)
        failed = load.result().failed(201)
    finally:
        await deps.db.dispose()
    total = min(took.job + took.removal for took in many)
    job, small = min(took.job for took in many), min(took.job for took in few)
    return [
        (targets.PURGE, total, f"the job {job:.3f}, then unlinking the files"),
        (targets.PURGE_GROWTH, job / small, f"{job:.3f} s against {small:.3f} s"),
        (targets.PURGE_FAILURES, failed, f"4 connections, the job {beside.job:.3f} s"),
    ]


@dataclass(frozen=True)
class _Took:
    """Seconds of one purge."""

    job: float  # lock, partition, event, row of the run
    removal: float  # of the files of what was retired


async def _fill(url: str, count: int, week: int) -> None:
    """Put so many tokens into a week that ended long ago."""
    old = datetime.now(UTC) - timedelta(days=60 + 7 * week)
    partition = partition_of("tokens", Unit.WEEK, old)
    conn = await asyncpg.connect(url, command_timeout=300)
    await conn.execute(
        f"CREATE TABLE {partition.name} PARTITION OF tokens FOR VALUES "
        f"FROM ('{partition.start}') TO ('{partition.end}');"
        + _FILL.format(partition=partition.name, start=partition.start, count=count)
    )
    await conn.execute(f"ANALYZE {partition.name}")
    await conn.execute("CHECKPOINT")
    await conn.close()


async def _timed(deps: Deps) -> _Took:
    started = time.perf_counter()
    run = await run_job(deps, BY_NAME["purge-tokens"])
    ended = time.perf_counter()
    if deps.retired.is_set():
        await remove_retired(deps)
    if not isinstance(run, Run) or run.outcome is not Outcome.SUCCEEDED:
        raise RuntimeError(f"the purge did not succeed: {run}")
    return _Took(job=ended - started, removal=time.perf_counter() - ended)
