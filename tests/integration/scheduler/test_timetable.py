"""Jobs are called when their time comes, and end in order when the process does."""

import asyncio
from datetime import UTC, datetime, timedelta

from services.scheduler.app import Built, process
from services.scheduler.deps import Deps
from services.scheduler.timetable import Timetable
from services.scheduler.work import Progress
from shared.runtime.serve import serve
from tests.fakes import SteppingClock
from tests.integration.scheduler.office import Office, settings_for, until
from tests.integration.scheduler.test_run_job import a_job, nothing


async def history(office: Office) -> list[tuple[object, ...]]:
    return await office.rows("SELECT job, outcome, tick FROM job_runs ORDER BY started_at")


async def test_partitions_are_made_when_the_process_starts_and_it_ends_when_asked(
    office: Office,
) -> None:
    settings = settings_for(office.url, port=0, internal_port=0)
    stop = asyncio.Event()
    serving = asyncio.ensure_future(serve(await process(settings), stop))

    async def made() -> bool:
        return await history(office) == [("create-partitions", "succeeded", None)]

    await until(made)
    stop.set()
    async with asyncio.timeout(10):
        await serving


async def test_the_same_tick_is_done_once_by_two_replicas(office: Office) -> None:
    moment = datetime(2026, 11, 27, 10, 5, 2, tzinfo=UTC)
    first = _timetable(office.replica(clock=SteppingClock(moment)))
    late = moment + timedelta(seconds=40)
    second = _timetable(office.replica(clock=SteppingClock(late)))
    job = a_job(nothing)  # every five minutes

    await first.fire(job)
    await second.fire(job)

    tick = datetime(2026, 11, 27, 10, 5, tzinfo=UTC)
    assert await history(office) == [("some-work", "succeeded", tick)]


async def test_the_end_waits_for_a_job_to_come_to_the_end_of_its_batch(
    office: Office,
) -> None:
    at_work, end = asyncio.Event(), asyncio.Event()
    built = office.replica()

    async def work(deps: Deps, progress: Progress) -> None:
        at_work.set()
        await deps.stop.wait()
        progress.affected = 1  # the batch it was in
        progress.checkpoint()

    timetable = _timetable(built)
    running = asyncio.ensure_future(timetable.run(end))
    firing = asyncio.ensure_future(timetable.fire(a_job(work)))
    await at_work.wait()
    end.set()
    await running

    assert firing.done()
    assert await office.rows("SELECT outcome, affected FROM job_runs") == [("stopped", 1)]


async def test_a_database_that_is_away_does_not_end_the_timetable(office: Office) -> None:
    built = office.replica()
    away = settings_for("postgresql://nobody@127.0.0.1:1/nothing")
    built.deps.settings.__dict__["database_url"] = away.database_url
    await _timetable(built).fire(a_job(nothing))
    assert await history(office) == []


async def test_what_a_dead_process_retired_is_removed_at_the_next_start(
    office: Office,
) -> None:
    office.clock.advance(timedelta(days=45))
    await office.run("purge-tokens")
    left = "SELECT relname FROM pg_class WHERE relname LIKE 'retired%' AND relkind = 'r'"
    assert await office.rows(left) != []

    end = asyncio.Event()
    running = asyncio.ensure_future(_timetable(office.replica()).run(end))

    async def gone() -> bool:
        return await office.rows(left) == []

    await until(gone)
    end.set()
    await running


def _timetable(built: Built) -> Timetable:
    return Timetable(built.deps, [], at_start=[])
