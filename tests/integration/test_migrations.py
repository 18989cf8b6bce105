"""Migrations: one line of them, both ways, and the tables are what the code says they are."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

import services.mithril_api
from shared.runtime import migrate
from tests.neighbours.databases import drop, url_of
from tests.neighbours.ready import run_aside

_PACKAGE = Path(services.mithril_api.__file__).parent


@pytest.fixture
def empty(
    postgres_url: str, template: object, database_name: Callable[[str], str]
) -> Iterator[str]:
    """Give the URL of an empty database."""
    import asyncpg

    name = database_name("migrations")

    async def create() -> None:
        conn = await asyncpg.connect(postgres_url)
        await conn.execute(f'CREATE DATABASE "{name}"')
        await conn.close()

    run_aside(create)
    yield url_of(postgres_url, name)
    run_aside(lambda: drop(postgres_url, name))


def config(url: str) -> Config:
    return migrate.config_of(_PACKAGE, url)


def test_up_down_and_up_again_end_at_the_tables_of_the_code(empty: str) -> None:
    command.upgrade(config(empty), "head")
    command.check(config(empty))
    command.downgrade(config(empty), "base")
    command.upgrade(config(empty), "head")
    command.check(config(empty))


def test_there_is_one_head_and_each_file_says_what_kind_it_is() -> None:
    script = ScriptDirectory.from_config(config("postgresql://none"))
    files = sorted((_PACKAGE / "migrations" / "versions").glob("*.py"))

    assert len(script.get_heads()) == 1
    assert [path.stem.split("_")[0] for path in files] == [
        f"{number:04d}" for number in range(1, len(files) + 1)
    ]
    assert all("_expand_" in path.stem or "_contract_" in path.stem for path in files)


def test_waits_for_locks_are_bounded() -> None:
    assert (migrate.LOCK_TIMEOUT, migrate.STATEMENT_TIMEOUT) == ("4s", "60s")


@pytest.mark.parametrize(
    ("table", "partition"),
    [
        ("tokens_default", True),
        ("tokens_p20261123", True),
        ("tokens", False),
        ("outbox_relays", False),
        ("password_history", False),
        ("default", False),
    ],
)
def test_a_partition_is_known_by_its_name(table: str, partition: bool) -> None:
    assert migrate.is_partition(table) is partition
