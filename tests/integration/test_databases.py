"""What deploy/databases makes on a real server: a database a service, and no way to another."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID, uuid4

import aiohttp
import asyncpg
import pytest

import services.abac_api
import services.abac_log_consumer
import services.mithril_api
from shared.runtime import migrate
from shared.runtime.embedded_postgres import EmbeddedPostgres
from tests.processes import SERVICE_TOKEN, ServiceProcess

SCRIPT = Path(__file__).parents[2] / "deploy" / "databases" / "databases.sh"
OWNERS = {
    "mithril": services.mithril_api,
    "abac": services.abac_api,
    "audit": services.abac_log_consumer,
}
RECORDS = ("decisions", "token_events", "checkpoints", "rejected")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """Give a server prepared by the script, then migrated as the owners' own logins."""
    data = tmp_path_factory.mktemp("databases") / "data"
    with EmbeddedPostgres(data, fsync=False) as made:
        _prepare(made)
        for name, package in OWNERS.items():
            migrate.upgrade(Path(str(package.__file__)).parent, _url(made, name, name))
        yield made


def _prepare(server: EmbeddedPostgres) -> None:
    environment = {
        "PATH": f"{server.bin_dir}{os.pathsep}{os.environ['PATH']}",
        "PGHOST": "127.0.0.1",
        "PGPORT": str(server.port),
    } | {f"{name.upper()}_DB_PASSWORD": f"of-{name}" for name in OWNERS}
    subprocess.run(["bash", SCRIPT], env=environment, check=True)


def _url(server: EmbeddedPostgres, login: str, database: str) -> str:
    return f"postgresql://{login}:of-{login}@127.0.0.1:{server.port}/{database}"


@pytest.mark.parametrize("login", OWNERS)
async def test_a_login_reaches_its_own_database_only(
    login: str, server: EmbeddedPostgres
) -> None:
    for database in OWNERS:
        if database == login:
            conn = await asyncpg.connect(_url(server, login, database))
            assert await conn.fetchval("SELECT count(*) FROM alembic_version") == 1
            await conn.close()
        else:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await asyncpg.connect(_url(server, login, database))


@pytest.mark.parametrize("table", RECORDS)
async def test_the_login_of_the_audit_log_turns_into_a_role_that_only_adds(
    table: str, server: EmbeddedPostgres
) -> None:
    conn = await asyncpg.connect(
        _url(server, "audit", "audit"), server_settings={"role": "mithril_audit"}
    )
    may = {
        right: await conn.fetchval("SELECT has_table_privilege($1, $2)", table, right)
        for right in ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE")
    }
    await conn.close()

    assert {right for right, held in may.items() if held} == {"SELECT", "INSERT"}


@pytest.mark.parametrize("login", ["mithril", "abac"])
async def test_no_other_login_turns_into_that_role(
    login: str, server: EmbeddedPostgres
) -> None:
    conn = await asyncpg.connect(_url(server, login, login))

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await conn.execute("SET ROLE mithril_audit")
    await conn.close()


async def test_a_decision_gets_into_the_log_with_no_more_than_these_logins(
    server: EmbeddedPostgres, kafka_bootstrap: str, tmp_path: Path
) -> None:
    own = uuid4().hex  # groups of our own, on topics that others use as well
    decides = ServiceProcess(
        "abac-api",
        database_url=_url(server, "abac", "abac"),
        kafka=kafka_bootstrap,
        log=tmp_path / "abac-api.log",
        settings={"MITHRIL_FACTS_GROUP": own},
    )
    records = ServiceProcess(
        "abac-log-consumer",
        database_url=_url(server, "audit", "audit"),
        kafka=kafka_bootstrap,
        log=tmp_path / "abac-log-consumer.log",
        settings={
            "MITHRIL_AUDIT_CONSUMER_GROUP": own,
            "MITHRIL_AUDIT_SIGNING_KEY": "0f" * 32,
            "MITHRIL_AUDIT_CHECKPOINT_SECONDS": "0.1",
        },
    )
    async with _serving(decides), _serving(records):
        decision_id = await _decided(decides)
        await _kept(server, decision_id)


@asynccontextmanager
async def _serving(process: ServiceProcess) -> AsyncIterator[None]:
    await process.start()
    try:
        yield
    finally:
        assert await process.end() == 0


async def _decided(process: ServiceProcess) -> UUID:
    question = {
        "consumer": {"user_id": str(uuid4()), "client_id": str(uuid4())},
        "resource": {"type": "condition", "action": "read"},
        "contexts": [],
    }
    headers = {"Authorization": f"Bearer {SERVICE_TOKEN}"}
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.post(f"{process.public}/api/authorize", json=question) as answer,
    ):
        assert answer.status == 200, await answer.text()
        return UUID((await answer.json())["data"]["decision_id"])


async def _kept(server: EmbeddedPostgres, decision_id: UUID) -> None:
    """Wait until the decision is in the log, under a signature that has left."""
    conn = await asyncpg.connect(_url(server, "audit", "audit"))
    query = """
        SELECT EXISTS (
          SELECT FROM decisions d JOIN checkpoints c USING (topic, partition)
          WHERE d.decision_id = $1 AND c.chain_sequence >= d.chain_sequence
        ) AND EXISTS (SELECT FROM outbox_relays WHERE published > 0)
    """
    async with asyncio.timeout(60):
        while not await conn.fetchval(query, decision_id):
            await asyncio.sleep(0.05)
    await conn.close()
