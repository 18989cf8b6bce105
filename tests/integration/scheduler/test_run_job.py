"""A job is done by one process, once a tick, and its row says what came of it."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from services.scheduler.actions.run_job import run_job
from services.scheduler.deps import Deps
from services.scheduler.domain.runs import Outcome, Run, Skipped, SkipReason
from services.scheduler.work import Job, Progress, Work
from shared.runtime.postgres import DatabaseUnavailableError, connect
from tests.integration.scheduler.office import Office, settings_for


def a_job(work: Work, *, name: str = "some-work") -> Job:
    return Job(
        name=name,
        schedule="otp_expiration_schedule",
        what="Some work.",
        kept_for=None,
        reason="For tests.",
        counts="things",
        work=work,
    )


async def nothing(_: Deps, __: Progress) -> None:
    pass


async def rows(office: Office) -> list[tuple[object, ...]]:
    return await office.rows(
        "SELECT outcome, affected, details, finished_at IS NULL FROM job_runs "
        "ORDER BY started_at, id"
    )


async def test_two_replicas_at_once_do_a_job_once(office: Office) -> None:
    at_work, may_end, times = asyncio.Event(), asyncio.Event(), 0

    async def work(_: Deps, progress: Progress) -> None:
        nonlocal times
        times += 1
        progress.affected = 7
        at_work.set()
        await may_end.wait()

    job = a_job(work)
    first = asyncio.ensure_future(run_job(office.replica().deps, job))
    await at_work.wait()
    second = await run_job(office.replica().deps, job)
    may_end.set()
    done = await first

    assert second == Skipped(job="some-work", reason=SkipReason.ELSEWHERE)
    assert isinstance(done, Run)
    assert times == 1
    assert await rows(office) == [("succeeded", 7, {}, False)]


async def test_another_job_does_not_wait_for_it(office: Office) -> None:
    async def work(_: Deps, __: Progress) -> None:
        other = await run_job(office.replica().deps, a_job(nothing, name="other-work"))
        assert isinstance(other, Run)

    run = await run_job(office.replica().deps, a_job(work))
    assert isinstance(run, Run)
    assert run.outcome is Outcome.SUCCEEDED


async def test_a_tick_is_done_once_though_the_replicas_come_one_after_the_other(
    office: Office,
) -> None:
    tick = office.clock.now()
    first = await run_job(office.replica().deps, a_job(nothing), tick=tick)
    office.clock.advance(timedelta(seconds=3))
    second = await run_job(office.replica().deps, a_job(nothing), tick=tick)
    next_tick = tick + timedelta(minutes=5)
    third = await run_job(office.replica().deps, a_job(nothing), tick=next_tick)

    assert isinstance(first, Run)
    assert second == Skipped(job="some-work", reason=SkipReason.DONE)
    assert isinstance(third, Run)
    assert len(await rows(office)) == 2


async def test_a_run_by_hand_is_no_tick(office: Office) -> None:
    for _ in range(2):
        assert isinstance(await run_job(office.replica().deps, a_job(nothing)), Run)
    assert len(await rows(office)) == 2


async def test_a_failure_is_kept_with_what_was_done_before_it(office: Office) -> None:
    async def work(_: Deps, progress: Progress) -> None:
        progress.affected = 2
        raise LookupError("nothing there\nsecond line")

    built = office.replica()
    run = await run_job(built.deps, a_job(work))

    assert isinstance(run, Run)
    error = {"error": "LookupError: nothing there"}
    assert await rows(office) == [("failed", 2, error, False)]
    counted = {"job_name": "some-work", "outcome": "failed"}
    assert built.registry.get_sample_value("mithril_job_runs_total", counted) == 1
    success = "mithril_job_last_success_timestamp_seconds"
    assert built.registry.get_sample_value(success, {"job_name": "some-work"}) is None


async def test_told_to_stop_a_run_ends_as_stopped_with_what_it_did(office: Office) -> None:
    built = office.replica()

    async def work(deps: Deps, progress: Progress) -> None:
        for _ in range(3):
            progress.checkpoint()
            progress.affected += 1
            deps.stop.set()

    await run_job(built.deps, a_job(work))

    assert await rows(office) == [("stopped", 1, {}, False)]


async def test_a_pause_ends_when_the_process_does(office: Office) -> None:
    built = office.replica()

    async def work(_: Deps, progress: Progress) -> None:
        await progress.pause(0.001)
        progress.affected = 1
        built.deps.stop.set()
        await progress.pause(3600)

    await run_job(built.deps, a_job(work))

    assert await rows(office) == [("stopped", 1, {}, False)]


async def test_success_is_counted_and_dated(office: Office) -> None:
    built = office.replica()
    await run_job(built.deps, a_job(nothing))

    value = built.registry.get_sample_value
    labels = {"job_name": "some-work"}
    assert value("mithril_job_runs_total", {**labels, "outcome": "succeeded"}) == 1
    assert value("mithril_job_duration_seconds_count", labels) == 1
    dated = value("mithril_job_last_success_timestamp_seconds", labels)
    assert dated == office.clock.now().timestamp()


async def test_a_run_whose_process_died_is_marked_as_failed_by_the_next(
    office: Office,
) -> None:
    async def work(_: Deps, __: Progress) -> None:
        raise asyncio.CancelledError  # as a kill would: nothing more is written

    with pytest.raises(asyncio.CancelledError):
        await run_job(office.replica().deps, a_job(work))
    assert await rows(office) == [(None, 0, {}, True)]

    office.clock.advance(timedelta(seconds=1))
    await run_job(office.replica().deps, a_job(nothing))

    error = {"error": "the process ended during the run"}
    assert await rows(office) == [
        ("failed", 0, error, False),
        ("succeeded", 0, {}, False),
    ]


async def test_without_a_database_there_is_one_kind_of_exception(office: Office) -> None:
    away = office.replica()
    away.deps.settings.__dict__["database_url"] = settings_for(
        "postgresql://nobody@127.0.0.1:1/nothing"
    ).database_url
    with pytest.raises(DatabaseUnavailableError):
        await run_job(away.deps, a_job(nothing))


async def test_a_database_that_goes_away_after_the_lock_is_the_same(office: Office) -> None:
    nowhere = connect(
        "postgresql://nobody@127.0.0.1:1/nothing", pool_size=1, application="test"
    )
    built = office.replica()
    with pytest.raises(DatabaseUnavailableError):
        await run_job(replace(built.deps, db=nowhere), a_job(nothing))
    counted = {"job_name": "some-work", "outcome": "failed"}
    assert built.registry.get_sample_value("mithril_job_runs_total", counted) == 1


async def test_history_past_its_retention_goes_in_batches(office: Office) -> None:
    for _ in range(3):
        await run_job(office.replica().deps, a_job(nothing))
    office.clock.advance(timedelta(days=90, microseconds=1))

    run = await office.run("trim-job-runs", job_batch_size=2)

    assert run.affected == 3
    assert await office.rows("SELECT job FROM job_runs") == ["trim-job-runs"]
