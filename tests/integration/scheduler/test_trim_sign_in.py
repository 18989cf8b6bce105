"""What attempts to sign in leave behind is deleted."""

from datetime import timedelta
from typing import Any

from sqlalchemy import Table, select

from shared.models.schema import mithril as tables
from tests.builders import a_world
from tests.integration.scheduler.office import Office

SECOND = timedelta(seconds=1)


async def add(office: Office, table: Table, *rows: dict[str, Any]) -> None:
    async with office.api.db.begin() as conn:
        await conn.execute(table.insert(), list(rows))


async def kept(office: Office, column: Any) -> list[Any]:
    async with office.api.db.begin() as conn:
        return sorted((await conn.execute(select(column))).scalars())


async def test_what_means_nothing_any_more_goes_and_the_rest_stays(office: Office) -> None:
    now = office.clock.now()
    world = await a_world(office.api)
    minute, days = timedelta(minutes=1), timedelta(days=2)
    await add(
        office,
        tables.nonces,
        {
            "digest": b"old",
            "client_id": world.client_id,
            "expires_at": now - minute - SECOND,
        },
        {"digest": b"new", "client_id": world.client_id, "expires_at": now - minute},
    )
    await add(
        office,
        tables.rate_limits,
        {"key": b"old", "settles_at": now - minute - SECOND},
        {"key": b"new", "settles_at": now},
    )
    new = office.api.entropy.uuid
    await add(
        office,
        tables.password_recoveries,
        *(
            {"id": new(), "user_id": world.user_id, "digest": digest, "expires_at": at}
            for digest, at in ((b"old", now - days - SECOND), (b"new", now - days))
        ),
    )

    await add(
        office,
        tables.authorization_requests,
        *(
            {
                "digest": digest,
                "client_id": world.client_id,
                "pushed": False,
                "parameters": {},
                "expires_at": at,
            }
            for digest, at in ((b"old", now - minute - SECOND), (b"new", now - minute))
        ),
    )

    await add(
        office,
        tables.presented_once,
        {"digest": b"old", "expires_at": now - minute - SECOND},
        {"digest": b"new", "expires_at": now - minute},
    )

    run = await office.run("trim-sign-in")

    assert (run.outcome, run.affected) == ("succeeded", 5)
    for column in (
        tables.authorization_requests.c.digest,
        tables.nonces.c.digest,
        tables.presented_once.c.digest,
        tables.rate_limits.c.key,
        tables.password_recoveries.c.digest,
    ):
        assert await kept(office, column) == [b"new"]


async def test_many_go_in_batches(office: Office) -> None:
    past = office.clock.now() - timedelta(days=1)
    rows = [{"key": bytes([number]), "settles_at": past} for number in range(7)]
    await add(office, tables.rate_limits, *rows)

    run = await office.run("trim-sign-in", job_batch_size=3)

    assert (run.affected, await kept(office, tables.rate_limits.c.key)) == (7, [])


async def test_one_who_asks_at_this_moment_is_left_alone(office: Office) -> None:
    past = office.clock.now() - timedelta(days=1)
    await add(office, tables.rate_limits, {"key": b"mine", "settles_at": past})
    async with office.api.db.begin() as conn:
        await conn.execute(select(tables.rate_limits).with_for_update())

        run = await office.run("trim-sign-in")

    assert (run.affected, await kept(office, tables.rate_limits.c.key)) == (0, [b"mine"])
