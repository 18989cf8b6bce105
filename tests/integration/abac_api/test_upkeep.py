"""The days of abac-api's outbox: made ahead, dropped when their events are out."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from shared.runtime.partitions import Unit, create, existing, partition_of
from shared.runtime.postgres import Database, connect
from shared.runtime.upkeep import OutboxUpkeep
from tests.fakes import SteppingClock

INSERT = text("""
INSERT INTO outbox (id, aggregatetype, aggregateid, type, payload, occurred_at, sequence)
VALUES (gen_random_uuid(), 't', 'k', 'x', '{}', :at, :sequence)
""")


@pytest.fixture
async def database(abac_database: str) -> AsyncIterator[Database]:
    made = connect(abac_database, pool_size=3, application="test")
    yield made
    await made.dispose()


async def days(database: Database) -> list[str]:
    async with database.read() as conn:
        return [item.name for item in await existing(conn, "outbox", Unit.DAY)]


def name_of(moment: datetime) -> str:
    return partition_of("outbox", Unit.DAY, moment).name


async def test_the_coming_days_are_made_and_waiting_rows_move_into_them(
    database: Database,
) -> None:
    later = datetime.now(UTC) + timedelta(days=30)
    async with database.begin() as conn:
        await conn.execute(INSERT, {"at": later, "sequence": None})  # it has no day yet
    clock = SteppingClock(later)

    await OutboxUpkeep(database, clock=clock, kept_for=timedelta(days=1)).round()

    wanted = [name_of(later + timedelta(days=ahead)) for ahead in range(3)]
    assert set(wanted) <= set(await days(database))
    async with database.read() as conn:
        waiting = await conn.execute(text("SELECT count(*) FROM outbox_default"))
        assert waiting.scalar_one() == 0


@pytest.mark.parametrize(("published", "stays"), [(7, False), (6, True)])
async def test_a_day_goes_when_all_of_it_is_published_and_not_before(
    database: Database, published: int, stays: bool
) -> None:
    old = datetime.now(UTC) - timedelta(days=5)
    async with database.begin() as conn:
        await create(conn, partition_of("outbox", Unit.DAY, old), column="occurred_at")
        await conn.execute(INSERT, {"at": old, "sequence": 7})
        await conn.execute(
            text(
                "INSERT INTO outbox_relays (source, assigned, published) VALUES ('a', 7, :p)"
            ),
            {"p": published},
        )

    upkeep = OutboxUpkeep(database, clock=SteppingClock(), kept_for=timedelta(days=1))
    await upkeep.round()

    assert (name_of(old) in await days(database)) is stays
    async with database.read() as conn:
        left = await conn.execute(
            text("SELECT count(*) FROM pg_class WHERE relname = :name"),
            {"name": f"retired_{name_of(old)}"},
        )
        assert left.scalar_one() == 0
