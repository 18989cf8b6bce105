"""The process: ready when it records, and ended in order."""

import asyncio
import signal
import sys
from pathlib import Path

import aiohttp

from shared.runtime.embedded import free_port
from shared.runtime.settings import inherited
from tests.integration.abac_log_consumer.ledger import (
    SIGNING_KEY,
    Source,
    count_of,
    publish,
    until,
)


async def test_it_is_ready_when_partitions_are_assigned_and_ends_when_told_to(
    audit_database: str, kafka_bootstrap: str, tmp_path: Path
) -> None:
    port, source = free_port(), Source()
    environment = {
        "DATABASE_URL": audit_database,
        "KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap,
        "MITHRIL_AUDIT_SIGNING_KEY": SIGNING_KEY,
        "MITHRIL_AUDIT_CONSUMER_GROUP": source.name,
        "MITHRIL_PORT": str(free_port()),
        "MITHRIL_INTERNAL_PORT": str(port),
        "MITHRIL_SERVICE_TOKENS": "service-token-for-tests",
    }
    with (tmp_path / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services.cli", "abac-log-consumer", "serve"),
            env=inherited() | environment,
            stdout=log,
            stderr=log,
        )

    async def readiness() -> int:
        try:
            async with (
                aiohttp.ClientSession() as http,
                http.get(f"http://127.0.0.1:{port}/readyz") as response,
            ):
                return response.status
        except aiohttp.ClientError:
            return 0

    await until(readiness, 200)
    await publish(kafka_bootstrap, source.decisions(3))
    await until(count_of(audit_database, source), 3)
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(25):
        assert await process.wait() == 0, (tmp_path / "log").read_text()[-2000:]
