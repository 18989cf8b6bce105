"""The outbox relay against a real database and a real Kafka (D7, D8)."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from prometheus_client import CollectorRegistry

from shared.events.accounts import UserCreated
from shared.events.envelope import Message
from shared.runtime import outbox
from shared.runtime.entropy import SystemEntropy
from shared.runtime.kafka import KafkaAccess
from shared.runtime.postgres import Database, connect
from shared.runtime.relay import Relay, RelayMetrics, ask_replay
from tests.neighbours.ladder import Broker
from tests.reading import Published, is_ordered_by_key, once, read

TOPIC = "mithril.accounts"


@pytest.fixture
def source() -> str:
    return f"test-{uuid4()}"


@pytest.fixture
async def database(mithril_database: str) -> AsyncIterator[Database]:
    made = connect(mithril_database, pool_size=5, application="test")
    yield made
    await made.dispose()


def a_relay(url: str, bootstrap: str, source: str, **but: Any) -> Relay:
    return Relay(
        database_url=url,
        kafka=KafkaAccess(bootstrap_servers=bootstrap),
        source=source,
        metrics=RelayMetrics(CollectorRegistry()),
        idle=0.05,
        **but,
    )


@asynccontextmanager
async def running(relay: Relay) -> AsyncIterator[asyncio.Event]:
    stop = asyncio.Event()
    task = asyncio.create_task(relay.run(stop))
    try:
        yield stop
    finally:
        stop.set()
        await task


def a_message(user_id: UUID | None = None, traceparent: str | None = None) -> Message:
    return Message(
        id=SystemEntropy().uuid(),
        at=datetime.now(UTC),
        event=UserCreated(user_id=user_id or uuid4()),
        traceparent=traceparent,
    )


async def put(database: Database, *messages: Message) -> None:
    async with database.begin() as conn:
        await outbox.put_many(conn, messages)


def has(count: int) -> Any:
    return lambda records: len(once(records)) >= count


async def test_events_come_out_as_cloudevents_with_gapless_numbers(
    mithril_database: str, database: Database, kafka_bootstrap: str, source: str
) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    messages = [a_message(traceparent=trace) for _ in range(25)]

    async with running(a_relay(mithril_database, kafka_bootstrap, source, batch=10)):
        await put(database, *messages)
        records = await read(kafka_bootstrap, TOPIC, source=source, until=has(25))

    in_order = once(records)
    assert [record.sequence for record in in_order] == list(range(1, 26))
    assert [record.id for record in in_order] == [str(message.id) for message in messages]
    first, sent = in_order[0], messages[0]
    assert first.data == {"user_id": sent.event.key()}
    assert first.headers == {
        "ce_specversion": b"1.0",
        "ce_id": str(sent.id).encode(),
        "ce_source": source.encode(),
        "ce_type": b"mithril.user.created.v1",
        "ce_time": sent.at.isoformat().replace("+00:00", "Z").encode(),
        "ce_subject": sent.event.key().encode(),
        "ce_sequence": b"1",
        "ce_traceparent": trace.encode(),
        "traceparent": trace.encode(),
        "content-type": b"application/json",
    }


async def test_a_transaction_that_commits_late_loses_nothing_and_leaves_no_gap(
    mithril_database: str, database: Database, kafka_bootstrap: str, source: str
) -> None:
    early, late = a_message(), a_message()
    placed, release = asyncio.Event(), asyncio.Event()

    async def slowly() -> None:
        async with database.begin() as slow:
            await outbox.put(slow, early)  # takes the lower position, commits last
            placed.set()
            await release.wait()

    async with running(a_relay(mithril_database, kafka_bootstrap, source)):
        task = asyncio.create_task(slowly())
        await placed.wait()
        await put(database, late)
        await read(kafka_bootstrap, TOPIC, source=source, until=has(1))
        release.set()
        await task
        records = await read(kafka_bootstrap, TOPIC, source=source, until=has(2))

    assert [(record.sequence, record.id) for record in once(records)] == [
        (1, str(late.id)),
        (2, str(early.id)),
    ]


async def test_one_relay_leads_and_another_takes_over(
    mithril_database: str, database: Database, kafka_bootstrap: str, source: str
) -> None:
    async with running(a_relay(mithril_database, kafka_bootstrap, source)) as stop_first:
        await put(database, a_message())
        await read(kafka_bootstrap, TOPIC, source=source, until=has(1))
        async with running(a_relay(mithril_database, kafka_bootstrap, source)):
            stop_first.set()
            await put(database, a_message(), a_message())
            records = await read(kafka_bootstrap, TOPIC, source=source, until=has(3))

    assert [record.sequence for record in once(records)] == [1, 2, 3]
    assert len(records) == 3


@pytest.mark.parametrize("failpoint", ["relay.assigned", "relay.acked"])
async def test_a_relay_killed_between_its_steps_sends_again_with_the_same_numbers(
    failpoint: str,
    mithril_database: str,
    database: Database,
    kafka_bootstrap: str,
    source: str,
) -> None:
    messages = [a_message() for _ in range(30)]
    await put(database, *messages)
    program = (
        "import asyncio; from tests.integration.runtime.test_relay import a_relay;"
        f"asyncio.run(a_relay({mithril_database!r}, {kafka_bootstrap!r}, {source!r}, batch=10)"
        ".run(asyncio.Event()))"
    )
    killed = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        program,
        env={**os.environ, "MITHRIL_FAILPOINTS": f"{failpoint}:2"},
    )
    assert await killed.wait() == -9

    async with running(a_relay(mithril_database, kafka_bootstrap, source)):
        records = await read(kafka_bootstrap, TOPIC, source=source, until=has(30))

    assert [record.id for record in once(records)] == [str(item.id) for item in messages]
    assert [record.sequence for record in once(records)] == list(range(1, 31))
    numbers = {(record.id, record.sequence) for record in records}
    assert len(numbers) == 30  # a repeat has the number of the first time


async def test_kafka_away_loses_nothing_and_keeps_the_order_of_each_key(
    mithril_database: str, database: Database, own_kafka: Broker, source: str
) -> None:
    users = [uuid4() for _ in range(3)]
    relay = a_relay(mithril_database, own_kafka.address, source, batch=5)
    async with running(relay):
        await put(database, *[a_message(user) for user in users])
        await read(own_kafka.address, TOPIC, source=source, until=has(3))
        await asyncio.to_thread(own_kafka.kill)
        for _ in range(10):
            await put(database, *[a_message(user) for user in users])
        await asyncio.to_thread(own_kafka.start)
        records = await read(
            own_kafka.address, TOPIC, source=source, until=has(33), within=60
        )

    assert [record.sequence for record in once(records)] == list(range(1, 34))
    assert is_ordered_by_key(records)


async def test_postgresql_restarted_under_the_relay_is_found_again(
    own_postgres: Any, kafka_bootstrap: str, source: str, mithril_migrated: Any
) -> None:
    url = await mithril_migrated(own_postgres)
    async with running(a_relay(url, kafka_bootstrap, source)):
        first = connect(url, pool_size=1, application="test")
        await put(first, a_message())
        await read(kafka_bootstrap, TOPIC, source=source, until=has(1))
        await first.dispose()
        await asyncio.to_thread(own_postgres.restart)
        second = connect(url, pool_size=1, application="test")
        await put(second, a_message())
        records = await read(kafka_bootstrap, TOPIC, source=source, until=has(2))
        await second.dispose()

    assert [record.sequence for record in once(records)] == [1, 2]


async def test_a_replay_fills_an_empty_broker_with_the_same_events(
    mithril_database: str,
    database: Database,
    kafka_bootstrap: str,
    own_kafka: Broker,
    source: str,
) -> None:
    async with running(a_relay(mithril_database, kafka_bootstrap, source)):
        await put(database, *[a_message() for _ in range(12)])
        before = await read(kafka_bootstrap, TOPIC, source=source, until=has(12))

    await ask_replay(mithril_database)
    async with running(a_relay(mithril_database, own_kafka.address, source, batch=5)):
        await put(database, a_message())
        after = await read(own_kafka.address, TOPIC, source=source, until=has(13))

    def identity(records: list[Published]) -> list[tuple[int, str]]:
        return [(record.sequence, record.id) for record in once(records)]

    assert identity(after)[:12] == identity(before)
    assert [record.sequence for record in once(after)] == list(range(1, 14))


async def test_a_running_relay_is_told_of_a_replay(
    mithril_database: str, database: Database, kafka_bootstrap: str, source: str
) -> None:
    async with running(a_relay(mithril_database, kafka_bootstrap, source)):
        await put(database, a_message(), a_message())
        await read(kafka_bootstrap, TOPIC, source=source, until=has(2))
        await ask_replay(mithril_database, first=2)
        records = await read(
            kafka_bootstrap, TOPIC, source=source, until=lambda found: len(found) == 3
        )

    assert sorted(record.sequence for record in records) == [1, 2, 2]


async def test_what_waits_is_a_metric(
    mithril_database: str, database: Database, source: str
) -> None:
    registry = CollectorRegistry()
    metrics = RelayMetrics(registry)
    relay = Relay(
        database_url=mithril_database,
        kafka=KafkaAccess(bootstrap_servers="127.0.0.1:1"),
        source=source,
        metrics=metrics,
        idle=0.05,
    )
    await put(database, a_message(), a_message())
    async with running(relay):
        async with asyncio.timeout(20):
            while registry.get_sample_value("mithril_outbox_waiting") != 2:
                await asyncio.sleep(0.02)

    assert (registry.get_sample_value("mithril_outbox_failures_total") or 0) >= 1
