"""Calls the jobs when their time comes. APScheduler knows the hours and nothing else."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from sqlalchemy.exc import DBAPIError

from services.scheduler.actions.remove_retired import remove_retired
from services.scheduler.actions.run_job import run_job
from services.scheduler.deps import Deps
from services.scheduler.domain.schedules import tick_at
from services.scheduler.work import Job
from shared.runtime import logging
from shared.runtime.postgres import DatabaseUnavailableError

_log = logging.get("timetable")


class Timetable:
    """Runs until told to end; then lets the jobs under way come to their next batch's end."""

    def __init__(self, deps: Deps, jobs: Sequence[Job], *, at_start: Sequence[Job]) -> None:
        self._deps = deps
        self._jobs = jobs
        self._at_start = at_start
        self._under_way: set[asyncio.Task[None]] = set()

    async def run(self, end: asyncio.Event) -> None:
        """Keep the hours until `end` is set."""
        async with asyncio.TaskGroup() as group:
            removing = group.create_task(self._remove())
            async with self._hours():
                for job in self._at_start:
                    await self._run(job)
                await end.wait()
            removing.cancel()

    async def fire(self, job: Job) -> None:
        """Run a job for the scheduled moment that has come; APScheduler calls this."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 — it is called in one
        self._under_way.add(task)
        try:
            await self._run(job, scheduled=True)
        finally:
            self._under_way.discard(task)

    @asynccontextmanager
    async def _hours(self) -> AsyncIterator[None]:
        settings = self._deps.settings
        scheduler = AsyncIOScheduler(timezone=UTC)
        for job in self._jobs:
            scheduler.add_job(
                self.fire,
                job.trigger(settings),
                args=[job],
                id=job.name,
                coalesce=True,
                max_instances=1,
                misfire_grace_time=settings.misfire_grace,
            )
        scheduler.start()
        try:
            yield
        finally:
            self._deps.stop.set()
            scheduler.pause()
            if self._under_way:
                await asyncio.wait(self._under_way)
            scheduler.shutdown(wait=False)

    async def _run(self, job: Job, *, scheduled: bool = False) -> None:
        settings, now = self._deps.settings, self._deps.clock.now()
        tick = None
        if scheduled:
            # Twice, so that a call which is as late as may be still finds its moment.
            within = 2 * settings.misfires_within()
            tick = tick_at(job.trigger(settings), now, within=within)
        try:
            await run_job(self._deps, job, tick=tick)
        except DatabaseUnavailableError as error:
            _log.warning("job not run", job=job.name, error=str(error))

    async def _remove(self) -> None:
        """Drop what jobs retired, now and whenever there is more; what is left, next time."""
        while True:
            try:
                await remove_retired(self._deps)
            except (DatabaseUnavailableError, DBAPIError) as error:
                _log.warning("removal failed", error=str(error).splitlines()[0][:300])
            await self._deps.retired.wait()
