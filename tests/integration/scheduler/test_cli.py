"""What an operator types."""

import asyncio
import json
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT
from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy import text

from services.scheduler.jobs import JOBS
from services.scheduler.store import locks
from shared.runtime.partitions import Unit, partition_of
from tests.integration.scheduler.office import Office, until, until_blocked_by


@pytest.fixture
def database(mithril_database: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("DATABASE_URL", mithril_database)
    return mithril_database


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    exit_code: int
    output: str


async def typed(*arguments: str) -> Ended:
    command = (sys.executable, "-m", "services.cli", "mithril-scheduler", *arguments)
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=STDOUT)
    output, _ = await process.communicate()
    return Ended(exit_code=process.returncode or 0, output=output.decode())


async def test_a_job_run_by_hand_prints_its_outcome_and_count(
    database: str, office: Office
) -> None:
    result = await typed("run", "expire-one-time-codes")
    assert result == Ended(0, "expire-one-time-codes: succeeded, 0 codes\n")
    assert await office.rows("SELECT outcome FROM job_runs") == ["succeeded"]


async def test_a_purge_by_hand_removes_what_it_retired(
    database: str, office: Office
) -> None:
    await office.do(
        "CREATE TABLE tokens_p20200106 PARTITION OF tokens "
        "FOR VALUES FROM ('2020-01-06T00:00Z') TO ('2020-01-13T00:00Z')"
    )

    result = await typed("run", "purge-tokens")

    assert "purge-tokens: succeeded, 0 tokens" in result.output
    assert "tokens_p20200106" in result.output
    assert (
        await office.rows("SELECT relname FROM pg_class WHERE relname ~ '20200106'") == []
    )


async def test_a_job_that_fails_is_exit_status_1(database: str, office: Office) -> None:
    await office.do("DROP TABLE one_time_codes")
    result = await typed("run", "expire-one-time-codes")
    assert result.exit_code == 1
    assert "failed, 0 codes" in result.output
    assert "error: " in result.output


async def test_a_job_that_another_process_runs_is_exit_status_75(database: str) -> None:
    async with locks.held(database, "trim-job-runs"):
        result = await typed("run", "trim-job-runs")
    assert result.exit_code == 75
    assert "another process is running it" in result.output


async def test_sigterm_ends_a_job_between_two_batches(
    database: str, office: Office
) -> None:
    lacking = partition_of("tokens", Unit.WEEK, office.clock.now() + timedelta(weeks=2))
    await office.do(f"DROP TABLE {lacking.name}")
    async with office.api.db.begin() as conn:
        # Someone uses the table for longer than the job asks for it at a time.
        await conn.execute(text("LOCK TABLE tokens IN ACCESS SHARE MODE"))
        pid = (await conn.execute(text("SELECT pg_backend_pid()"))).scalar_one()
        command = (sys.executable, "-m", "services.cli", "mithril-scheduler", "run")
        process = await asyncio.create_subprocess_exec(
            *command, "create-partitions", stdout=PIPE
        )
        await until_blocked_by(pid, office.api.db)
        process.send_signal(signal.SIGTERM)
        output, _ = await process.communicate()

    assert output.decode().startswith("create-partitions: stopped, 0 partitions")
    assert process.returncode == 75
    assert await office.rows("SELECT outcome FROM job_runs") == ["stopped"]


async def test_serving_begins_with_the_partitions_and_ends_on_sigterm(
    database: str, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MITHRIL_PORT", "MITHRIL_INTERNAL_PORT"):
        monkeypatch.setenv(name, "0")
    command = (sys.executable, "-m", "services.cli", "mithril-scheduler", "serve")
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE)

    async def made() -> bool:
        runs = await office.rows("SELECT job, outcome FROM job_runs")
        return ("create-partitions", "succeeded") in runs

    await until(made)
    process.send_signal(signal.SIGTERM)
    output, _ = await process.communicate()

    assert process.returncode == 0
    events = [json.loads(line)["event"] for line in output.splitlines()]
    assert events[0] == "started"
    assert events[-1] == "stopped"


async def test_an_unknown_job_is_named_beside_those_there_are(database: str) -> None:
    result = await typed("run", "purge-everything")
    assert result.exit_code == 2
    assert "no job `purge-everything`; there are create-partitions" in result.output


async def test_jobs_are_a_table(database: str, office: Office) -> None:
    await office.run("expire-tokens")
    result = await typed("jobs")
    lines = result.output.splitlines()
    assert result.exit_code == 0
    assert [line.split()[0] for line in lines] == ["JOB", *(job.name for job in JOBS)]
    assert "never" in lines[1]
    assert "succeeded, 0 tokens" in lines[3]


async def test_the_doctor_tries_the_database_and_hides_its_address(database: str) -> None:
    result = await typed("doctor")
    assert result.exit_code == 0
    assert "postgres: ok" in result.output
    assert database not in result.output


async def test_without_a_database_every_verb_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    run, jobs, doctor = [
        await typed(*words) for words in (("run", "trim-job-runs"), ("jobs",), ("doctor",))
    ]
    assert (run.exit_code, jobs.exit_code, doctor.exit_code) == (75, 0, 1)
    assert "the database is away" in run.output
    assert "the database is away" in jobs.output


async def test_a_wrong_setting_is_a_line_and_exit_status_78(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN_DELETING_SCHEDULE", "every night")
    result = await typed("jobs")
    assert result.exit_code == 78
    assert result.output.startswith("configuration: TOKEN_DELETING_SCHEDULE: ")
    assert len(result.output.splitlines()) == 1
