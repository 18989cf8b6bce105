"""Tokens that expired long ago are dropped by the week, and nobody who refreshes notices."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import text

from services.mithril_api.actions.issuing import ClientSecret
from services.mithril_api.actions.refresh_batch import RefreshAsked, Refreshed
from services.mithril_api.actions.refresh_tokens import refresh_many
from services.mithril_api.domain.minting import Minted
from services.mithril_api.store import tokens
from services.scheduler.actions.remove_retired import remove_retired
from services.scheduler.domain.runs import Outcome
from shared.models.tokens import TokenName
from shared.runtime.partitions import Partition, Unit, partition_of
from tests.builders import World, a_token, a_world, store
from tests.integration.scheduler.office import (
    Office,
    StoppingClock,
    until_blocked_by,
)

WEEK = timedelta(weeks=1)
PURGED = "mithril.token.purged.v1"


def this_week(office: Office) -> Partition:
    return partition_of("tokens", Unit.WEEK, office.clock.now())


def token_that_ends(office: Office, moment: datetime) -> Minted:
    user_id, client_id = office.api.entropy.uuid(), office.api.entropy.uuid()
    lives = moment - office.clock.now()
    return a_token(office.api, TokenName.ACCESS, user_id, client_id, lives=lives)


async def left(office: Office, *minted: Minted) -> list[bool]:
    ids = await office.rows("SELECT id FROM tokens")
    return [one.token.id in ids for one in minted]


async def refresh(office: Office, world: World) -> bool:
    asked = RefreshAsked(
        client_id=world.client_id,
        by=ClientSecret(secret=world.client_secret),
        refresh_token=world.refresh.value,
    )
    (outcome,) = await refresh_many(office.api, [asked])
    return isinstance(outcome, Refreshed)


async def test_a_week_goes_whole_and_its_purging_is_published(office: Office) -> None:
    week = this_week(office)
    old = [token_that_ends(office, week.end - timedelta(hours=n)) for n in (1, 2, 3)]
    await store(office.api, *old)
    office.clock.advance(week.end + timedelta(days=30) - office.clock.now())

    run = await office.run("purge-tokens")

    assert await left(office, *old) == [False, False, False]
    assert week.name not in await office.partitions("tokens")
    assert run.outcome is Outcome.SUCCEEDED
    assert run.affected == 3
    assert run.details == {"purged": {week.name: {"rows": 3, "exact": True}}}
    assert await office.events(PURGED) == [
        {
            "partition": week.name,
            "expired_before": week.end.isoformat(),
            "count": 3,
            "job_run_id": str(run.id),
        }
    ]


async def test_a_week_stays_until_the_last_of_it_has_had_its_time(office: Office) -> None:
    week = this_week(office)
    early = token_that_ends(office, week.end - timedelta(days=1))
    await store(office.api, early)
    kept_for = timedelta(days=30)
    office.clock.advance(
        week.end + kept_for - timedelta(microseconds=1) - office.clock.now()
    )

    run = await office.run("purge-tokens")

    assert await left(office, early) == [True]
    assert run.affected == 0
    assert await office.events(PURGED) == []


async def test_a_token_that_expires_at_midnight_on_the_edge_stays_with_the_later_week(
    office: Office,
) -> None:
    week = this_week(office)
    edge = token_that_ends(office, week.end)
    before = token_that_ends(office, week.end - timedelta(microseconds=1))
    await store(office.api, edge, before)
    office.clock.advance(week.end + timedelta(days=30) - office.clock.now())

    await office.run("purge-tokens")

    assert await left(office, edge, before) == [True, False]
    async with office.api.db.begin() as conn:
        found = await tokens.find(conn, edge.value, TokenName.ACCESS)
        gone = await tokens.find(conn, before.value, TokenName.ACCESS)
    assert found is not None
    assert gone is None


async def test_rows_without_a_partition_go_in_batches_with_what_tells_where_they_were(
    office: Office,
) -> None:
    now = office.clock.now()
    old = [token_that_ends(office, now - timedelta(days=60 + n)) for n in range(5)]
    recent = token_that_ends(office, now - timedelta(days=20))
    far = token_that_ends(office, now + timedelta(days=900))
    await store(office.api, *old, recent, far)
    async with office.api.db.begin() as conn:
        for one in (*old, recent, far):
            await tokens.remember_expiry(
                conn,
                digest=one.token.digest,
                name=one.token.name,
                expires_at=one.token.expires_at,
            )

    run = await office.run("purge-tokens", job_batch_size=2)

    assert await left(office, *old) == [False] * 5
    assert await left(office, recent, far) == [True, True]
    assert len(await office.rows("SELECT digest FROM token_expiries")) == 2
    assert run.affected == 5
    assert run.details == {"expiries": 5}
    counts = [event["count"] for event in await office.events(PURGED)]
    assert counts == [2, 2, 1]


async def test_a_refresh_under_way_in_another_week_neither_waits_nor_fails(
    office: Office,
) -> None:
    world = await a_world(office.api)
    week = this_week(office)
    old = token_that_ends(office, week.start)
    await store(office.api, old)
    assert world.refresh.token.expires_at > week.end
    later = week.end + timedelta(days=30)
    purger = office.replica(clock=StoppingClock(later, at_reading=-1, stop=asyncio.Event()))

    other = await a_world(office.api)
    made = token_that_ends(office, office.clock.now() + timedelta(hours=1))
    async with office.api.db.begin() as conn:
        held = await tokens.lock(conn, world.refresh.value, TokenName.REFRESH)
        assert held is not None
        pid = (await conn.execute(text("SELECT pg_backend_pid()"))).scalar_one()
        purging = asyncio.ensure_future(office.run("purge-tokens", deps=purger.deps))
        await until_blocked_by(pid, office.api.db)
        # The one under way goes on, and others come through while it is still open.
        await tokens.add(conn, [made.token], [])
        async with asyncio.timeout(5):
            assert await refresh(office, other)
        assert not purging.done()

    run = await purging
    assert run.outcome is Outcome.SUCCEEDED
    assert run.details["waits"] >= 1
    assert await left(office, old) == [False]


async def test_refreshes_go_on_while_weeks_are_dropped(office: Office) -> None:
    world = await a_world(office.api)
    later = this_week(office).end + timedelta(days=30)
    stop = asyncio.Event()
    purger = office.replica(clock=StoppingClock(later, at_reading=-1, stop=stop))
    # Weeks long past, so that there is much to drop.
    for ago in range(1, 21):
        week = partition_of("tokens", Unit.WEEK, office.clock.now() - ago * WEEK)
        await office.do(
            f"CREATE TABLE {week.name} PARTITION OF tokens FOR VALUES "
            f"FROM ('{week.start.isoformat()}') TO ('{week.end.isoformat()}')"
        )
    outcomes: list[bool] = []
    dropped = asyncio.Event()

    async def refreshing() -> None:
        while not dropped.is_set():
            outcomes.append(await refresh(office, world))

    async def purging() -> None:
        run = await office.run("purge-tokens", deps=purger.deps)
        assert len(run.details["purged"]) == 21
        dropped.set()

    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(refreshing())
        group.create_task(purging())

    assert len(outcomes) > 4
    assert all(outcomes)


async def test_told_to_stop_it_ends_between_two_weeks_and_the_next_run_goes_on(
    office: Office,
) -> None:
    later = this_week(office).end + WEEK + timedelta(days=30)
    stopping = office.replica()
    # Read when the run begins, when the job begins, and once for the event of a week.
    clock = StoppingClock(later, at_reading=3, stop=stopping.deps.stop)
    stopped = await office.run("purge-tokens", deps=replace(stopping.deps, clock=clock))
    office.clock.advance(later - office.clock.now())
    ended = await office.run("purge-tokens")

    assert (stopped.outcome, len(stopped.details["purged"])) == (Outcome.STOPPED, 1)
    assert (ended.outcome, len(ended.details["purged"])) == (Outcome.SUCCEEDED, 1)
    runs = await office.rows(
        "SELECT job_run_id FROM (SELECT payload ->> 'job_run_id' AS "
        "job_run_id, position FROM outbox WHERE type = :kind) e ORDER BY position",
        kind=PURGED,
    )
    assert runs == [str(stopped.id), str(ended.id)]


async def test_what_is_left_of_a_week_is_removed_afterwards(office: Office) -> None:
    week = this_week(office)
    built = office.replica()
    office.clock.advance(week.end + timedelta(days=30) - office.clock.now())
    await office.run("purge-tokens", deps=built.deps)
    assert built.deps.retired.is_set()

    removed = await remove_retired(built.deps)

    assert removed == [f"retired_{week.name}"]
    assert (
        await office.rows("SELECT relname FROM pg_class WHERE relname LIKE 'retired%'")
        == []
    )
    assert not built.deps.retired.is_set()


async def test_what_an_operator_detached_is_not_removed(office: Office) -> None:
    week = this_week(office)
    await office.do(f"ALTER TABLE tokens DETACH PARTITION {week.name}")

    assert await remove_retired(office.replica().deps) == []


async def fill(office: Office, week: Partition, rows: int) -> None:
    """Put tokens into a week that has passed, as many as that."""
    async with office.api.db.begin() as conn:
        await conn.execute(text("SET LOCAL statement_timeout = 0"))
        await conn.execute(
            text(f"CREATE TABLE {week.name} (LIKE tokens INCLUDING DEFAULTS)")
        )
        await conn.execute(
            text(
                f"INSERT INTO {week.name} "  # noqa: S608
                "(id, name, digest, user_id, client_id, family_id, scope, expires_at) "
                "SELECT id, 'access_token', sha256(uuid_send(id)), id, id, id, "
                "'{episode:read,episode:write}', :at "
                "FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, :rows)) made"
            ),
            {"at": week.start, "rows": rows},
        )
        await conn.execute(
            text(
                f"ALTER TABLE tokens ATTACH PARTITION {week.name} FOR VALUES "
                f"FROM ('{week.start.isoformat()}') TO ('{week.end.isoformat()}')"
            )
        )
