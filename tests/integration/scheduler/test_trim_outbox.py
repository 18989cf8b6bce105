"""Days of the outbox go when they are old and published, and stay when they are not."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from services.scheduler.domain.runs import Outcome
from shared.runtime.partitions import Partition, Unit, partition_of
from tests.integration.scheduler.office import Office, until_blocked_by

DAY = timedelta(days=1)


async def event(office: Office, *, sequence: int | None) -> None:
    await office.do(
        "INSERT INTO outbox (id, aggregatetype, aggregateid, type, payload, occurred_at, "
        "sequence) VALUES (gen_random_uuid(), 't', 'k', 'x', '{}', :at, :sequence)",
        at=office.clock.now(),
        sequence=sequence,
    )


async def published(office: Office, number: int, *, replay_from: int | None = None) -> None:
    await office.do(
        "INSERT INTO outbox_relays (source, assigned, published, replay_from) "
        "VALUES ('mithril-api', :number, :number, :replay_from)",
        number=number,
        replay_from=replay_from,
    )


async def today(office: Office) -> Partition:
    """The first day that the database has; the clock is set to it where midnight was since."""
    names = [name for name in await office.partitions("outbox") if name[-8:].isdigit()]
    start = datetime.strptime(min(names)[-8:], "%Y%m%d").replace(tzinfo=UTC)
    day = partition_of("outbox", Unit.DAY, start)
    if office.clock.now() >= day.end:
        office.clock.advance(day.end - timedelta(hours=1) - office.clock.now())
    return day


async def test_a_day_goes_when_it_is_published_and_past_its_retention(
    office: Office,
) -> None:
    day = await today(office)
    await event(office, sequence=1)
    await published(office, 1)
    office.clock.advance(day.end + DAY - office.clock.now())

    run = await office.run("trim-outbox", outbox_retention_days=1)

    assert run.outcome is Outcome.SUCCEEDED
    assert run.affected == 1
    assert run.details == {"dropped": [day.name], "kept": []}
    assert day.name not in await office.partitions("outbox")


async def test_a_day_stays_until_its_retention_has_passed_for_the_last_of_it(
    office: Office,
) -> None:
    day = await today(office)
    await published(office, 1)
    office.clock.advance(day.end + DAY - timedelta(microseconds=1) - office.clock.now())

    assert (await office.run("trim-outbox")).affected == 0
    assert day.name in await office.partitions("outbox")


@pytest.mark.parametrize(
    ("sequences", "acknowledged", "replay_from"),
    [
        pytest.param([1, None], 1, None, id="an event without a number"),
        pytest.param([1, 2], 1, None, id="an event not acknowledged"),
        pytest.param([1, 2], 2, 0, id="a replay asked for"),
        pytest.param([1], None, None, id="no relay ever ran"),
    ],
)
async def test_a_day_with_something_to_publish_is_kept_and_a_metric_tells(
    office: Office,
    sequences: list[int | None],
    acknowledged: int | None,
    replay_from: int | None,
) -> None:
    day = await today(office)
    for sequence in sequences:
        await event(office, sequence=sequence)
    if acknowledged is not None:
        await published(office, acknowledged, replay_from=replay_from)
    office.clock.advance(3 * DAY)
    built = office.replica()

    run = await office.run("trim-outbox", deps=built.deps)

    assert run.details["kept"][0] == day.name
    assert day.name in await office.partitions("outbox")
    assert len(await office.rows("SELECT id FROM outbox")) == len(sequences)
    gauge = built.registry.get_sample_value("mithril_outbox_partitions_kept")
    assert gauge == len(run.details["kept"])


async def test_an_event_committed_while_the_lock_is_waited_for_keeps_its_day(
    office: Office,
) -> None:
    day = await today(office)
    put = text(
        "INSERT INTO outbox (id, aggregatetype, aggregateid, type, payload, occurred_at) "
        "VALUES (gen_random_uuid(), 't', 'k', 'x', '{}', :at)"
    )
    async with office.api.db.begin() as conn:
        await conn.execute(put, {"at": day.start})
        pid = (await conn.execute(text("SELECT pg_backend_pid()"))).scalar_one()
        office.clock.advance(day.end + DAY - office.clock.now())
        trimming = asyncio.ensure_future(office.run("trim-outbox"))
        await until_blocked_by(pid, office.api.db)

    assert (await trimming).details["kept"] == [day.name]
    assert day.name in await office.partitions("outbox")


async def test_the_metric_falls_when_the_events_have_gone(office: Office) -> None:
    await event(office, sequence=7)
    await published(office, 6)
    office.clock.advance(3 * DAY)
    built = office.replica()
    await office.run("trim-outbox", deps=built.deps)

    await office.do("UPDATE outbox_relays SET published = 7")
    await office.run("trim-outbox", deps=built.deps)

    assert built.registry.get_sample_value("mithril_outbox_partitions_kept") == 0


async def test_rows_without_a_partition_go_in_batches_once_published(
    office: Office,
) -> None:
    office.clock.advance(-30 * DAY)
    for sequence in (1, 2, 3, 4, None):
        await event(office, sequence=sequence)
    await published(office, 3)
    office.clock.advance(30 * DAY)

    run = await office.run("trim-outbox", job_batch_size=2)

    assert run.details["rows"] == 3
    left = await office.rows("SELECT sequence FROM outbox_default ORDER BY position")
    assert left == [4, None]
