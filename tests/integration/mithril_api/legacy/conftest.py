"""A database of the original beside one of ours, and the move from one to the other."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Protocol

import asyncpg
import pytest

from services.mithril_api import importing
from services.mithril_api.domain.legacy.report import Report
from services.mithril_api.settings_import import ImportSettings
from tests.integration.mithril_api.legacy.original import Original, create
from tests.neighbours.databases import Templates, clone, drop
from tests.neighbours.ready import run_aside

KEY = "key-for-tests-0123456789"  # that of the service in the same tests


class Quiet:
    """Nobody watches."""

    def begin(self, table: str, total: int) -> None:
        pass

    def advance(self, table: str, rows: int) -> None:
        pass


class Move(Protocol):
    """Runs an import from the test's source into the test's database."""

    def __call__(self, **but: Any) -> Awaitable[Report]:
        """What it did."""
        ...


@pytest.fixture(scope="session")
def original_template(template: Templates) -> str:
    """Name the template of the original's database."""
    return template("original", lambda url: run_aside(lambda: create(url)))


@pytest.fixture
async def original(
    postgres_url: str, original_template: str, database_name: Callable[[str], str]
) -> AsyncIterator[Original]:
    """Give a database of the original, empty."""
    name = database_name("original")
    url = await clone(postgres_url, original_template, name)
    conn = await asyncpg.connect(url)
    yield Original(conn, url)
    await conn.close()
    await drop(postgres_url, name)


@pytest.fixture
def move(original: Original, mithril_database: str) -> Move:
    """Give the import."""

    async def run(**but: Any) -> Report:
        asked: dict[str, Any] = {
            "source": original.url,
            "target": mithril_database,
            "batch": 3,
            "dry_run": False,
            "another_source": False,
            "progress": Quiet(),
        }
        return await importing.run(ImportSettings(secret_keys=(KEY,)), **{**asked, **but})

    return run
