"""abac-api as a process of its own, killed in every step of its consumer's loop."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from services.abac_api.consume import DEAD_LETTERS, TOPIC
from services.abac_api.domain.told import Told
from services.abac_api.store import facts
from shared.runtime.postgres import connect
from shared.runtime.settings import inherited
from tests.integration.abac_api.telling import an_employee, told
from tests.integration.abac_api.topic import but, read, record_of, send_to, until


@asynccontextmanager
async def a_process(
    url: str, kafka: str, group: str, log: Path, **settings: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    environment = {
        "DATABASE_URL": url,
        "KAFKA_BOOTSTRAP_SERVERS": kafka,
        "MITHRIL_FACTS_GROUP": group,
        "MITHRIL_PORT": "0",
        "MITHRIL_INTERNAL_PORT": "0",
        "MITHRIL_LOG_FORMAT": "json",
        **settings,
    }
    with log.open("ab") as file:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services.cli", "abac-api", "serve"),
            env=inherited() | environment,
            stdout=file,
            stderr=file,
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


@pytest.mark.parametrize("step", ["facts.read", "facts.put-aside", "facts.kept"])
async def test_a_consumer_killed_anywhere_loses_nothing(
    abac_database: str, kafka_bootstrap: str, tmp_path: Path, step: str
) -> None:
    group, log = f"test-{uuid4()}", tmp_path / "log"
    first, second, third = (told(an_employee()) for _ in range(3))
    odd = told(an_employee())
    unfit = but(record_of(odd), type="mithril.abac.fact-upserted.v9")
    await send_to(kafka_bootstrap, TOPIC, [record_of(first), unfit, record_of(second)])
    db = connect(abac_database, pool_size=1, application="test")

    async def hold(*items: Told) -> bool:
        async with db.read() as conn:
            return all([await facts.find(conn, it.kind, it.id) == it for it in items])

    async with a_process(
        abac_database, kafka_bootstrap, group, log, MITHRIL_FAILPOINTS=step
    ) as process:
        assert await process.wait() == -signal.SIGKILL, log.read_text()[-2000:]
    await send_to(kafka_bootstrap, TOPIC, [record_of(third)])
    async with a_process(abac_database, kafka_bootstrap, group, log) as process:
        await until(lambda: hold(first, second, third))
        await read(
            kafka_bootstrap,
            DEAD_LETTERS,
            until=lambda them: str(odd.id).encode() in {record.key for record in them},
        )
        process.terminate()
        assert await process.wait() == 0, log.read_text()[-2000:]
    await db.dispose()
