"""Partitions are made ahead of their time, and what was missed is repaired."""

import asyncio
from datetime import datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.mithril_api.domain.minting import Minted
from services.mithril_api.store import tokens
from services.scheduler.actions.ddl import patiently
from services.scheduler.domain.runs import Outcome
from services.scheduler.work import Progress
from shared.models.tokens import TokenName
from shared.runtime import partitions
from shared.runtime.partitions import Partition, Unit, partition_of
from tests.builders import a_token, store
from tests.integration.scheduler.office import Office, until_blocked_by
from tests.races import commit_now

WEEK = timedelta(weeks=1)


def week_of(office: Office, *, ahead: int) -> Partition:
    """The week that begins so many weeks after the present one."""
    return partition_of("tokens", Unit.WEEK, office.clock.now() + ahead * WEEK)


async def drop(office: Office, partition: Partition) -> None:
    await office.do(f"DROP TABLE {partition.name}")


def token_that_ends(office: Office, moment: datetime) -> Minted:
    user_id, client_id = office.api.entropy.uuid(), office.api.entropy.uuid()
    lives = moment - office.clock.now()
    return a_token(office.api, TokenName.ACCESS, user_id, client_id, lives=lives)


async def is_found(office: Office, minted: Minted) -> bool:
    async with office.api.db.begin() as conn:
        found = await tokens.find(conn, minted.value, TokenName.ACCESS)
    return found is not None and found.id == minted.token.id


async def where(office: Office, minted: Minted) -> str:
    (place,) = await office.rows(
        "SELECT tableoid::regclass::text FROM tokens WHERE id = :id", id=minted.token.id
    )
    return str(place)


async def test_every_moment_until_the_horizon_has_a_partition_afterwards(
    office: Office,
) -> None:
    office.clock.advance(9 * WEEK)  # nobody ran it for long

    run = await office.run("create-partitions", refresh_token_lifetime=14 * 86_400)

    names = await office.partitions("tokens")
    assert all(week_of(office, ahead=n).name in names for n in range(5))
    days = [
        partition_of("outbox", Unit.DAY, office.clock.now() + timedelta(days=n)).name
        for n in range(3)
    ]
    assert set(days) <= set(await office.partitions("outbox"))
    assert run.outcome is Outcome.SUCCEEDED
    assert set(days) <= set(run.details["created"])


async def test_a_second_run_finds_nothing_to_do(office: Office) -> None:
    await office.run("create-partitions")
    assert (await office.run("create-partitions")).affected == 0


async def test_access_tokens_that_live_longer_than_refresh_tokens_count_too(
    office: Office,
) -> None:
    await office.run("create-partitions", access_token_lifetime=60 * 86_400)
    ends = office.clock.now() + timedelta(days=60)
    assert partition_of("tokens", Unit.WEEK, ends).name in await office.partitions("tokens")


async def test_a_new_partition_is_like_those_of_the_migration(office: Office) -> None:
    office.clock.advance(timedelta(days=2))
    await office.run("create-partitions", refresh_token_lifetime=60 * 86_400)
    shape = (
        "SELECT string_agg(replace(indexdef, tablename, ''), ';' ORDER BY indexdef) "
        "FROM pg_indexes WHERE tablename LIKE :like GROUP BY tablename"
    )
    for like in ("tokens_p%", "outbox_p%"):
        shapes = [
            sorted(part.split(" ON ")[1] for part in row.split(";"))
            for row in await office.rows(shape, like=like)
        ]
        assert len(shapes) > 4
        assert all(one == shapes[0] for one in shapes)


async def test_a_missing_week_is_repaired_and_the_rows_that_waited_move(
    office: Office,
) -> None:
    week = week_of(office, ahead=2)
    await drop(office, week)
    waiting = [token_that_ends(office, week.start + timedelta(days=n)) for n in range(3)]
    far = token_that_ends(office, office.clock.now() + timedelta(days=900))
    await store(office.api, *waiting, far)
    assert await where(office, waiting[0]) == "tokens_default"

    run = await office.run("create-partitions")

    assert run.details["created"] == {week.name: 3}
    assert {await where(office, one) for one in waiting} == {week.name}
    assert await where(office, far) == "tokens_default"
    assert all([await is_found(office, one) for one in (*waiting, far)])


async def test_a_token_that_expires_at_midnight_on_the_edge_is_found_before_and_after(
    office: Office,
) -> None:
    week = week_of(office, ahead=2)
    await drop(office, week)
    edges = [
        token_that_ends(office, week.start),
        token_that_ends(office, week.start - timedelta(microseconds=1)),
        token_that_ends(office, week.end),
        token_that_ends(office, week.end - timedelta(microseconds=1)),
    ]
    await store(office.api, *edges)
    assert all([await is_found(office, one) for one in edges])

    await office.run("create-partitions")

    assert all([await is_found(office, one) for one in edges])
    before, after = week_of(office, ahead=1).name, week_of(office, ahead=3).name
    homes = [await where(office, one) for one in edges]
    assert homes == [week.name, before, after, week.name]


async def test_an_event_that_waited_keeps_its_position(office: Office) -> None:
    today = partition_of("outbox", Unit.DAY, office.clock.now())
    await drop(office, today)
    put = (
        "INSERT INTO outbox (id, aggregatetype, aggregateid, type, payload, occurred_at) "
        "VALUES (gen_random_uuid(), 't', 'k', 'x', '{}', :at)"
    )
    for _ in range(2):
        await office.do(put, at=office.clock.now())
    before = await office.rows("SELECT position FROM outbox_default ORDER BY position")

    await office.run("create-partitions")
    await office.do(put, at=office.clock.now())

    after = await office.rows("SELECT position FROM outbox ORDER BY position")
    assert await office.rows("SELECT position FROM outbox_default") == []
    assert after[:2] == before
    assert after[2] > before[1]


async def test_a_look_up_that_comes_during_the_move_finds_the_token(
    office: Office,
) -> None:
    week = week_of(office, ahead=2)
    await drop(office, week)
    waiting, new = (token_that_ends(office, week.start) for _ in range(2))
    await store(office.api, waiting)

    async with office.replica().deps.db.begin() as conn:
        await partitions.create(conn, week, column="expires_at")
        pid = (await conn.execute(text("SELECT pg_backend_pid()"))).scalar_one()
        async with asyncio.TaskGroup() as group:
            found = group.create_task(is_found(office, waiting))
            await until_blocked_by(pid, office.api.db)
            group.create_task(store(office.api, new))
            await commit_now(conn)

    assert found.result()
    assert await where(office, new) == week.name


async def test_it_gives_way_to_a_transaction_under_way_and_comes_again(
    office: Office,
) -> None:
    week = week_of(office, ahead=2)
    await drop(office, week)
    ours = token_that_ends(office, week.start)
    await store(office.api, ours)

    async with office.api.db.begin() as conn:
        assert await tokens.lock(conn, ours.value, TokenName.ACCESS) is not None
        pid = (await conn.execute(text("SELECT pg_backend_pid()"))).scalar_one()
        making = asyncio.ensure_future(office.run("create-partitions"))
        await until_blocked_by(pid, office.api.db)
        other = token_that_ends(office, week.end)
        await tokens.add(conn, [other.token], [])  # is let in before who waits

    run = await making
    assert run.details["created"] == {week.name: 1}
    assert await where(office, ours) == week.name


async def test_who_holds_the_table_for_too_long_makes_it_fail(office: Office) -> None:
    week = week_of(office, ahead=2)
    await drop(office, week)
    make = partial(partitions.create, partition=week, column="expires_at")
    deps = office.replica().deps
    progress = Progress(run_id=deps.entropy.uuid(), stop=deps.stop)

    async with office.api.db.begin() as conn:
        await conn.execute(text("LOCK TABLE tokens IN ACCESS SHARE MODE"))
        with pytest.raises(DBAPIError, match="lock timeout"):
            await patiently(deps, progress, make, attempts=2)

    assert progress.details == {"waits": 1}
    assert week.name not in await office.partitions("tokens")


async def test_a_partition_of_somebody_elses_in_the_way_makes_it_fail_at_once(
    office: Office,
) -> None:
    week = week_of(office, ahead=2)
    await office.do(f"ALTER TABLE {week.name} RENAME TO tokens_of_december")

    run = await office.run("create-partitions")

    assert run.outcome is Outcome.FAILED
    assert "tokens_of_december" in run.details["error"]
    assert "waits" not in run.details


async def test_told_to_stop_it_leaves_the_rest_to_the_next_run(office: Office) -> None:
    for ahead in (1, 2):
        await drop(office, week_of(office, ahead=ahead))
    built = office.replica()
    built.deps.stop.set()

    stopped = await office.run("create-partitions", deps=built.deps)
    ended = await office.run("create-partitions")

    assert (stopped.outcome, stopped.affected) == (Outcome.STOPPED, 0)
    assert (ended.outcome, ended.affected) == (Outcome.SUCCEEDED, 2)


@pytest.mark.parametrize("table", ["tokens", "outbox"])
async def test_rows_repaired_are_counted(office: Office, table: str) -> None:
    built = office.replica()
    week = week_of(office, ahead=1)
    await drop(office, week)
    await store(office.api, token_that_ends(office, week.start))

    await office.run("create-partitions", deps=built.deps)

    name = "mithril_partition_rows_repaired_total"
    counted = built.registry.get_sample_value(name, {"table": table}) or 0
    assert counted == (1 if table == "tokens" else 0)
