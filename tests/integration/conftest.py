"""Databases of our own schema for every integration test."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

import services.mithril_api
from shared.runtime import migrate
from tests.neighbours.databases import Templates, clone, drop

_PACKAGE = Path(services.mithril_api.__file__).parent


@pytest.fixture(scope="session")
def mithril_template(template: Templates) -> str:
    """Name the template of database `mithril`, migrated to the head."""
    return template("mithril", lambda url: migrate.upgrade(_PACKAGE, url))


@pytest.fixture
async def mithril_database(
    postgres_url: str, mithril_template: str, database_name: Callable[[str], str]
) -> AsyncIterator[str]:
    """Give a fresh database `mithril`, dropped after the test."""
    name = database_name("mithril")
    yield await clone(postgres_url, mithril_template, name)
    await drop(postgres_url, name)
