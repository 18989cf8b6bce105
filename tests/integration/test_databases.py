"""What deploy/databases makes on a real server: a database a service, and no way to another."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

import services.abac_api
import services.abac_log_consumer
import services.mithril_api
from shared.runtime import migrate
from shared.runtime.embedded_postgres import EmbeddedPostgres

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
