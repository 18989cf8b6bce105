"""Migrations of database `abac`: both ways, and the tables are what the code says they are."""

from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest
from alembic import command

import services.abac_api
from shared.runtime import migrate
from tests.integration.abac_api.conftest import Api
from tests.neighbours.databases import drop, url_of
from tests.neighbours.ready import run_aside

_PACKAGE = Path(services.abac_api.__file__).parent


@pytest.fixture
def empty(postgres_url: str, database_name: Callable[[str], str]) -> Iterator[str]:
    """Give the URL of an empty database."""
    name = database_name("abac_migrations")

    async def create() -> None:
        conn = await asyncpg.connect(postgres_url)
        await conn.execute(f'CREATE DATABASE "{name}"')
        await conn.close()

    run_aside(create)
    yield url_of(postgres_url, name)
    run_aside(lambda: drop(postgres_url, name))


def test_up_down_and_up_again_end_at_the_tables_of_the_code(empty: str) -> None:
    config = migrate.config_of(_PACKAGE, empty)

    command.upgrade(config, "head")
    command.check(config)
    command.downgrade(config, "base")
    command.upgrade(config, "head")
    command.check(config)


async def test_the_service_is_ready_on_a_migrated_database(api: Api) -> None:
    response = await api.internal.get("/readyz")

    assert response.status == 200
