"""Nothing accepted is lost: processes and servers are killed under load (issue's bad days)."""

import asyncio
import signal
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from shared.runtime.embedded_postgres import EmbeddedPostgres
from tests.neighbours.ladder import Broker
from tests.processes import ApiProcess
from tests.reading import is_ordered_by_key, once, read
from tests.system.conftest import Load, worlds

TOPIC = "mithril.tokens"
SOURCE = "mithril-api"


_BLOCKED = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0
"""


async def fetch(url: str, query: str, *arguments: Any) -> list[Any]:
    conn = await asyncpg.connect(url)
    try:
        return list(await conn.fetch(query, *arguments))
    finally:
        await conn.close()


def includes(issued: list[str]) -> Any:
    """Whether an event tells of each of these tokens."""
    wanted = set(issued)
    return lambda records: wanted <= {record.data.get("token_id") for record in records}


async def stored(url: str, issued: list[str]) -> set[str]:
    rows = await fetch(
        url, "SELECT id FROM tokens WHERE id = ANY($1)", [UUID(item) for item in issued]
    )
    return {str(row["id"]) for row in rows}


async def test_killed_many_times_under_load_every_201_has_its_token_and_its_event(
    mithril_database: str, own_kafka: Broker, tmp_path: Path
) -> None:
    process = ApiProcess(
        database_url=mithril_database, kafka=own_kafka.address, log=tmp_path / "api.log"
    )
    load = Load(process.public, await worlds(mithril_database, own_kafka.address, 8))
    await process.start()
    running = asyncio.create_task(load.run())
    for _ in range(6):
        await load.more(60)
        assert await process.end(signal.SIGKILL) == -9
        await process.start()
    await load.more(60)
    load.stop.set()
    await running
    records = await read(
        own_kafka.address, TOPIC, source=SOURCE, until=includes(load.issued), within=60
    )
    await process.end()

    assert await stored(mithril_database, load.issued) == set(load.issued)
    assert load.refused == []
    kept = once(records)
    assert [record.sequence for record in kept] == list(range(1, len(kept) + 1))
    tokens = [record.data["token_id"] for record in kept]
    assert len(tokens) == len(set(tokens))
    assert is_ordered_by_key(records)


async def test_kafka_away_under_load_is_not_noticed_and_every_event_comes_afterwards(
    mithril_database: str, own_kafka: Broker, tmp_path: Path
) -> None:
    process = ApiProcess(
        database_url=mithril_database, kafka=own_kafka.address, log=tmp_path / "api.log"
    )
    load = Load(process.public, await worlds(mithril_database, own_kafka.address, 8))
    await process.start()
    running = asyncio.create_task(load.run())
    await load.more(50)
    await asyncio.to_thread(own_kafka.kill)
    await load.more(500)
    await asyncio.to_thread(own_kafka.start)
    await load.more(50)
    load.stop.set()
    await running
    records = await read(
        own_kafka.address, TOPIC, source=SOURCE, until=includes(load.issued), within=60
    )
    await process.end()

    assert (load.refused, load.broken) == ([], 0)
    kept = once(records)
    assert [record.sequence for record in kept] == list(range(1, len(kept) + 1))
    assert {record.data["token_id"] for record in kept} == set(load.issued)
    assert is_ordered_by_key(records)


async def test_postgresql_restarted_under_load_gives_503_and_then_normal_service(
    own_postgres: EmbeddedPostgres,
    mithril_migrated: Any,
    kafka_bootstrap: str,
    tmp_path: Path,
) -> None:
    url = await mithril_migrated(own_postgres)
    process = ApiProcess(database_url=url, kafka=kafka_bootstrap, log=tmp_path / "api.log")
    load = Load(process.public, await worlds(url, kafka_bootstrap, 8))
    await process.start()
    pid = process.pid
    running = asyncio.create_task(load.run())
    await load.more(50)
    await asyncio.to_thread(own_postgres.stop)
    before = len(load.refused)
    await load.until(lambda: len(load.refused) >= before + 20)
    await asyncio.to_thread(own_postgres.start)
    await load.more(50)
    load.stop.set()
    await running
    assert process.pid == pid  # it was not started again
    assert await process.end() == 0

    assert load.broken == 0
    unexpected = [
        line for line in process.log.read_text().splitlines() if "unexpected error" in line
    ]
    assert unexpected == []
    assert {status for status, _ in load.refused} == {503}
    _, body = load.refused[0]
    assert body["error"] == {
        "type": "service_unavailable",
        "message": "Service is temporarily unavailable. Try again later",
    }
    assert body["meta"]["code"] == 503
    assert await stored(url, load.issued) == set(load.issued)


async def test_a_process_told_to_stop_answers_what_it_accepted(
    mithril_database: str, kafka_bootstrap: str, api_process: ApiProcess
) -> None:
    load = Load(api_process.public, await worlds(mithril_database, kafka_bootstrap, 4))
    holder = await asyncpg.connect(mithril_database)
    transaction = holder.transaction()
    await transaction.start()
    await holder.execute("LOCK TABLE tokens IN EXCLUSIVE MODE")
    running = asyncio.create_task(load.run())
    async with asyncio.timeout(20):
        # Asked on a connection of its own: a transaction sees one state of the activity.
        while not (await fetch(mithril_database, _BLOCKED))[0][0]:
            await asyncio.sleep(0.01)

    load.stop.set()
    api_process.tell(signal.SIGTERM)
    await transaction.rollback()
    await holder.close()
    await running
    status = await api_process.ended()

    assert status == 0
    assert (len(load.issued), load.refused, load.broken) == (4, [], 0)


@pytest.mark.parametrize("setting", ["MITHRIL_SECRET_KEYS", "DATABASE_URL"])
async def test_a_wrong_setting_stops_the_process_with_one_line_that_names_it(
    setting: str, tmp_path: Path
) -> None:
    process = ApiProcess(
        database_url="postgresql://127.0.0.1:1/none",
        kafka="127.0.0.1:1",
        log=tmp_path / "api.log",
        settings={setting: "" if setting == "DATABASE_URL" else "short"},
    )

    with pytest.raises(RuntimeError) as refused:
        await process.start()

    assert str(refused.value).splitlines() == [
        f"configuration: {setting}: {ONE_LINE[setting]}"
    ]
    assert await process.ended() == 78


ONE_LINE = {
    "MITHRIL_SECRET_KEYS": (
        "Value error, at least one secret key of 16 characters or more is needed"
    ),
    "DATABASE_URL": "Value error, must be a postgresql:// URL",
}
