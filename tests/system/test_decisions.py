"""Decisions on their whole way: answered, published, recorded, whatever Kafka does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import aiohttp
import asyncpg

from services.abac_log_consumer.store import integrity
from shared.runtime.postgres import connect
from tests.integration.abac_log_consumer.ledger import SIGNING_KEY, until
from tests.neighbours.ladder import Broker
from tests.processes import SERVICE_TOKEN, ServiceProcess


@asynccontextmanager
async def _running(*processes: ServiceProcess) -> AsyncIterator[None]:
    try:
        for process in processes:
            await process.start()
        yield
    finally:
        for process in processes:
            await process.end()


async def _decide(api: ServiceProcess, count: int) -> set[str]:
    """Ask as often as that; the ids of the decisions."""
    ids = set()
    async with aiohttp.ClientSession() as http:
        for _ in range(count):
            body = {
                "consumer": {"user_id": str(uuid4()), "client_id": str(uuid4())},
                "resource": {"type": "episode", "action": "read"},
                "contexts": [{"type": "patient", "id": str(uuid4())}],
            }
            headers = {"Authorization": f"Bearer {SERVICE_TOKEN}"}
            url = f"{api.public}/api/authorize"
            async with http.post(url, json=body, headers=headers) as answer:
                assert answer.status == 200, await answer.text()
                ids.add((await answer.json())["data"]["decision_id"])
    return ids


async def test_a_hundred_decisions_while_kafka_is_away_are_all_recorded_and_none_is_missing(
    abac_database: str, audit_database: str, own_kafka: Broker, tmp_path: Path
) -> None:
    api = ServiceProcess(
        "abac-api",
        database_url=abac_database,
        kafka=own_kafka.address,
        log=tmp_path / "abac-api.log",
    )
    consumer = ServiceProcess(
        "abac-log-consumer",
        database_url=audit_database,
        kafka=own_kafka.address,
        log=tmp_path / "abac-log-consumer.log",
        settings={"MITHRIL_AUDIT_SIGNING_KEY": SIGNING_KEY},
    )

    async def recorded() -> set[str]:
        conn = await asyncpg.connect(audit_database)
        rows = await conn.fetch("SELECT decision_id FROM decisions")
        await conn.close()
        return {str(row["decision_id"]) for row in rows}

    async with _running(api, consumer):
        made = await _decide(api, 3)
        await until(recorded, made)
        own_kafka.kill()
        made |= await _decide(api, 100)
        assert await recorded() != made
        own_kafka.start()
        await until(recorded, made, within=60)

    db = connect(audit_database, pool_size=1, application="tests")
    async with db.read() as conn:
        [source] = await integrity.sources(conn)
        rejected = await integrity.rejected(conn)
    await db.dispose()
    said = source.rendered()
    assert (said["source"], said["highest_sequence"], said["complete"]) == (
        "abac-api",
        103,
        True,
    )
    assert rejected == 0
