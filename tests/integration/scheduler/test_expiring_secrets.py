"""Client secrets are told of ahead of their end: once, by whichever replica."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from services.scheduler.store.secrets import mark_expiring
from shared.models.schema import mithril as tables
from tests.builders import World, a_world
from tests.integration.scheduler.office import Office

JOB = "tell-expiring-secrets"
TYPE = "mithril.connection.secret-expiring.v1"
DAY = timedelta(days=1)
s = tables.connection_secrets


async def ends_in(office: Office, world: World, life: timedelta | None) -> None:
    """Let the one secret of the world's connection end then."""
    end = None if life is None else office.clock.now() + life
    mine = s.c.connection_id == world.connection_id
    async with office.api.db.begin() as conn:
        await conn.execute(s.update().where(mine).values(expires_at=end))


async def told(office: Office) -> list[dict[str, Any]]:
    o = tables.outbox
    query = select(o.c.payload).where(o.c.type == TYPE).order_by(o.c.position)
    async with office.api.db.read() as conn:
        return list((await conn.execute(query)).scalars())


def gauge(office: Office) -> float:
    """What the replica of the last run counts."""
    return float(office.replicas[-1].deps.metrics.secrets_expiring._value.get())


async def test_a_secret_is_told_of_once_and_counted_until_it_ends(office: Office) -> None:
    soon, later, never = [await a_world(office.api) for _ in range(3)]
    await ends_in(office, soon, 14 * DAY)
    await ends_in(office, later, 14 * DAY + timedelta(seconds=1))
    await ends_in(office, never, None)

    first, second = await office.run(JOB), await office.run(JOB)

    assert (first.affected, second.affected) == (1, 0)
    [event] = await told(office)
    assert event["connection_id"] == str(soon.connection_id)
    assert "digest" not in event
    assert gauge(office) == 1
    office.clock.advance(14 * DAY)
    await office.run(JOB)
    assert gauge(office) == 1  # the first has ended, the second is near
    assert len(await told(office)) == 2


async def test_a_secret_that_has_a_successor_is_not_told_of(office: Office) -> None:
    world = await a_world(office.api)
    await ends_in(office, world, DAY)
    async with office.api.db.begin() as conn:
        row = {"digest": b"successor", "connection_id": world.connection_id}
        await conn.execute(s.insert().values(**row))

    assert (await office.run(JOB)).affected == 0


async def test_a_batch_at_a_time_all_are_told_of(office: Office) -> None:
    for _ in range(3):
        await ends_in(office, await a_world(office.api), DAY)

    run = await office.run(JOB, job_batch_size=2)

    assert (run.affected, len(await told(office))) == (3, 3)


async def test_a_secret_that_is_being_replaced_is_left_to_the_next_run(
    office: Office,
) -> None:
    world = await a_world(office.api)
    await ends_in(office, world, DAY)
    async with office.api.db.begin() as conn:
        mine = s.c.connection_id == world.connection_id
        await conn.execute(select(s).where(mine).with_for_update())
        assert (await office.run(JOB)).affected == 0
    assert (await office.run(JOB)).affected == 1


async def test_of_two_that_look_at_once_one_tells(office: Office) -> None:
    await ends_in(office, await a_world(office.api), DAY)
    now = office.clock.now()
    wanted: dict[str, Any] = {"now": now, "until": now + 14 * DAY, "limit": 10}

    async with office.api.db.begin() as one, office.api.db.begin() as other:
        assert len(await mark_expiring(one, **wanted)) == 1
        assert await mark_expiring(other, **wanted) == []  # the first is not committed yet
    async with office.api.db.begin() as conn:
        assert await mark_expiring(conn, **wanted) == []


async def test_a_run_that_fails_after_the_mark_leaves_it_to_the_next(
    office: Office,
) -> None:
    await ends_in(office, await a_world(office.api), DAY)
    now = office.clock.now()

    async def dies() -> None:
        async with office.api.db.begin() as conn:
            await mark_expiring(conn, now=now, until=now + 14 * DAY, limit=10)
            raise LookupError

    with pytest.raises(LookupError):
        await dies()

    assert (await office.run(JOB)).affected == 1
