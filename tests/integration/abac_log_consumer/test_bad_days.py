"""Nothing is lost or recorded twice, whatever happens to the process and its neighbours."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

import services.abac_log_consumer
from services.abac_log_consumer.actions.verify_log import verify_log
from services.abac_log_consumer.app import build
from services.abac_log_consumer.domain.signing import trusted
from services.abac_log_consumer.store.verifying import snapshot
from shared.runtime import migrate
from shared.runtime.embedded import free_port
from shared.runtime.embedded_kafka import EmbeddedKafka
from shared.runtime.embedded_postgres import EmbeddedPostgres
from shared.runtime.settings import inherited
from tests.integration.abac_log_consumer.ledger import (
    SIGNING_KEY,
    Record,
    Source,
    a_client,
    count_of,
    delivered,
    fetch,
    keep,
    publish,
    recording,
    settings_for,
    until,
)
from tests.neighbours.ladder import Broker

STEPS = [
    "consume.read",
    "consume.dead-lettered",
    "record.locked",
    "record.added",
    "record.moved",
    "consume.recorded",
    "consume.committed",
    "checkpoint.signed",
]


async def numbers(url: str, source: Source) -> list[int]:
    """The numbers of a source that were recorded, each as often as it was."""
    rows = await fetch(
        url,
        "SELECT source_sequence FROM decisions WHERE source = $1 UNION ALL "
        "SELECT source_sequence FROM token_events WHERE source = $1 UNION ALL "
        "SELECT source_sequence FROM rejected WHERE source = $1 ORDER BY 1",
        source.name,
    )
    return [row[0] for row in rows]


async def findings(url: str) -> list[str]:
    signer = settings_for(url, "127.0.0.1:1").signer
    async with snapshot(url, role="") as seen:
        report = await verify_log(seen, keys=trusted([signer.public]))
    return [str(item) for item in report.findings]


def a_mixture(source: Source) -> list[Record]:
    """Decisions, an account event, and one decision that no one can read."""
    poison = replace(source.decisions(1)[0], value=b"{")
    account = source.tell(a_client(uuid4(), "Hospital"))
    return [*source.decisions(20), poison, account, *source.decisions(20)]


@pytest.mark.parametrize("step", STEPS)
async def test_killed_at_any_step_of_its_loop_it_goes_on_with_each_record_once(
    audit_database: str, kafka_bootstrap: str, tmp_path: Path, step: str
) -> None:
    source = Source()
    await publish(kafka_bootstrap, a_mixture(source))
    environment = {
        "DATABASE_URL": audit_database,
        "KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap,
        "MITHRIL_AUDIT_SIGNING_KEY": SIGNING_KEY,
        "MITHRIL_AUDIT_CONSUMER_GROUP": f"test-{uuid4()}",
        "MITHRIL_AUDIT_CHECKPOINT_RECORDS": "1",
        "MITHRIL_PORT": str(free_port()),
        "MITHRIL_INTERNAL_PORT": str(free_port()),
        "MITHRIL_SERVICE_TOKENS": "service-token-for-tests",
        "MITHRIL_FAILPOINTS": step,
    }
    with (tmp_path / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services.cli", "abac-log-consumer", "serve"),
            env=inherited() | environment,
            stdout=log,
            stderr=log,
        )
        async with asyncio.timeout(40):
            assert await process.wait() == -9, (tmp_path / "log").read_text()[-2000:]

    async with recording(audit_database, kafka_bootstrap, checkpoint_records=1):
        await publish(kafka_bootstrap, a_mixture(source))
        await until(lambda: numbers(audit_database, source), list(range(1, 85)))

    assert await findings(audit_database) == []
    names = await fetch(
        audit_database, "SELECT count(*) FROM client_names WHERE name = 'Hospital'"
    )
    assert names[0][0] >= 2


async def test_the_same_batch_given_to_two_consumers_at_once_is_recorded_once(
    audit_database: str,
) -> None:
    source = Source()
    batch = delivered(source.decisions(50))
    one, other = (build(settings_for(audit_database, "127.0.0.1:1")).deps for _ in range(2))
    async with holding(audit_database, "decisions"):
        both = [asyncio.create_task(keep(deps, batch)) for deps in (one, other)]
        await until(lambda: _waiting(audit_database), 2)
    outcomes = await asyncio.gather(*both)

    assert sorted(item.recorded.get("abac.decisions", 0) for item in outcomes) == [0, 50]
    assert await numbers(audit_database, source) == list(range(1, 51))
    assert await findings(audit_database) == []
    await one.db.dispose()
    await other.db.dispose()


@asynccontextmanager
async def holding(url: str, table: str) -> AsyncIterator[None]:
    """Let nobody add to a table meanwhile."""
    conn = await asyncpg.connect(url)
    try:
        async with conn.transaction():
            await conn.execute(f"LOCK TABLE {table} IN SHARE MODE")
            yield
    finally:
        await conn.close()


async def _waiting(url: str) -> int:
    rows = await fetch(
        url,
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND cardinality(pg_blocking_pids(pid)) > 0",
    )
    return int(rows[0][0])


async def test_the_same_event_in_two_partitions_at_once_is_recorded_once(
    audit_database: str,
) -> None:
    """As after a change of the number of partitions, when a relay sends again."""
    source = Source()
    records = source.decisions(5)
    one, other = (build(settings_for(audit_database, "127.0.0.1:1")).deps for _ in range(2))
    async with holding(audit_database, "decisions"):
        both = [
            asyncio.create_task(keep(one, delivered(records, partition=0))),
            asyncio.create_task(keep(other, delivered(records, partition=1))),
        ]
        await until(lambda: _waiting(audit_database), 2)
    await asyncio.gather(*both)

    assert await numbers(audit_database, source) == [1, 2, 3, 4, 5]
    assert await findings(audit_database) == []
    await one.db.dispose()
    await other.db.dispose()


async def test_a_second_member_takes_its_share_and_what_the_first_leaves(
    audit_database: str, kafka_bootstrap: str
) -> None:
    source, group = Source(), f"test-{uuid4()}"
    async with recording(audit_database, kafka_bootstrap, consumer_group=group):
        await publish(kafka_bootstrap, source.decisions(60))
        async with recording(audit_database, kafka_bootstrap, consumer_group=group):
            await publish(kafka_bootstrap, source.decisions(60))
            await until(count_of(audit_database, source), 120)
        await publish(kafka_bootstrap, source.decisions(60))
        await until(count_of(audit_database, source), 180)

    assert await numbers(audit_database, source) == list(range(1, 181))
    assert await findings(audit_database) == []


async def test_a_broker_that_lost_its_data_is_read_again_and_nothing_is_missed_or_doubled(
    audit_database: str,
) -> None:
    source, patient = Source(), uuid4()
    before = source.decisions(30, patient_id=patient)
    never_seen = source.decisions(3, patient_id=patient)
    with EmbeddedKafka() as kafka:
        async with recording(audit_database, kafka.bootstrap):
            await publish(kafka.bootstrap, before)
            await until(count_of(audit_database, source), 30)
    with EmbeddedKafka() as kafka:  # another log, under the same names
        async with recording(audit_database, kafka.bootstrap):
            await publish(kafka.bootstrap, [*never_seen, *before[:27]])
            await until(count_of(audit_database, source), 33)
            await publish(kafka.bootstrap, [*before, *source.decisions(2)])
            await until(count_of(audit_database, source), 35)

    assert await numbers(audit_database, source) == list(range(1, 36))
    assert await findings(audit_database) == []


@pytest.mark.parametrize("held", [5, 29, 30, 31, 45])
async def test_another_log_is_noticed_however_long_it_is(
    audit_database: str, held: int
) -> None:
    """The log read before had 30 records; the one that took its place has `held` others."""
    source, patient = Source(), uuid4()
    with EmbeddedKafka() as kafka:
        async with recording(audit_database, kafka.bootstrap):
            await publish(kafka.bootstrap, source.decisions(30, patient_id=patient))
            await until(count_of(audit_database, source), 30)
    with EmbeddedKafka() as kafka:
        await publish(kafka.bootstrap, source.decisions(held, patient_id=patient))
        async with recording(audit_database, kafka.bootstrap):
            await until(count_of(audit_database, source), 30 + held)


async def test_kafka_away_for_a_while_delays_and_loses_nothing(
    audit_database: str, own_kafka: Broker
) -> None:
    source = Source()
    async with recording(audit_database, own_kafka.address):
        await publish(own_kafka.address, source.decisions(10))
        await until(count_of(audit_database, source), 10)
        await asyncio.to_thread(own_kafka.kill)
        await asyncio.to_thread(own_kafka.start)
        await publish(own_kafka.address, source.decisions(10))
        await until(count_of(audit_database, source), 20, within=60)

    assert await numbers(audit_database, source) == list(range(1, 21))


async def test_postgresql_away_stops_recording_which_goes_on_when_it_is_back(
    own_postgres: EmbeddedPostgres, kafka_bootstrap: str
) -> None:
    url = await _migrated(own_postgres)
    source = Source()
    async with recording(url, kafka_bootstrap) as built:
        await publish(kafka_bootstrap, source.decisions(10))
        await until(count_of(url, source), 10)
        await asyncio.to_thread(own_postgres.stop)
        await publish(kafka_bootstrap, source.decisions(10))
        await until(_is(lambda: _interruptions(built) >= 2), True)
        states = await built.readiness.check()
        await asyncio.to_thread(own_postgres.start)
        await until(count_of(url, source), 20)
        await until(built.readiness.check, {"postgres": "ok", "kafka": "ok"})

    assert all(state != "ok" for state in states.values())
    assert await numbers(url, source) == list(range(1, 21))
    assert await findings(url) == []


def _interruptions(built: Any) -> float:
    value = built.registry.get_sample_value(
        "mithril_audit_interruptions_total", {"neighbour": "postgres"}
    )
    return float(value or 0)


def _is(ask: Callable[[], bool]) -> Any:
    async def answer() -> bool:
        return ask()

    return answer


async def _migrated(server: EmbeddedPostgres) -> str:
    package = Path(services.abac_log_consumer.__file__).parent
    await asyncio.to_thread(server.create_database, "audit")
    await asyncio.to_thread(migrate.upgrade, package, server.url("audit"))
    return server.url("audit")


async def test_what_the_database_refuses_is_kept_raw_and_its_neighbours_are_recorded(
    audit_database: str, kafka_bootstrap: str
) -> None:
    source = Source()
    huge = source.decisions(1, request_id="".join(f"{n:05d}" for n in range(9999)))

    async with recording(audit_database, kafka_bootstrap):
        await publish(kafka_bootstrap, [*source.decisions(4), *huge, *source.decisions(4)])
        await until(count_of(audit_database, source), 8)
        await until(lambda: numbers(audit_database, source), list(range(1, 10)))

    rows = await fetch(
        audit_database, "SELECT value, why FROM rejected WHERE source = $1", source.name
    )
    assert [(row["value"], row["why"]) for row in rows] == [
        (huge[0].value, "refused_by_database")
    ]
