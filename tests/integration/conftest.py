"""Databases of our own schema for every integration test."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

import services.abac_api
import services.abac_log_consumer
import services.mithril_api
from shared.runtime import migrate
from shared.runtime.embedded_postgres import EmbeddedPostgres
from tests.neighbours.databases import Templates, clone, drop

_PACKAGE = Path(services.mithril_api.__file__).parent
_AUDIT = Path(services.abac_log_consumer.__file__).parent
_ABAC = Path(services.abac_api.__file__).parent


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


@pytest.fixture
def mithril_migrated() -> Callable[[EmbeddedPostgres], Awaitable[str]]:
    """Give a server of a test's own the database `mithril`, migrated; the answer is its URL."""

    async def made(server: EmbeddedPostgres) -> str:
        url = server.url("mithril")
        await asyncio.to_thread(server.create_database, "mithril")
        await asyncio.to_thread(migrate.upgrade, _PACKAGE, url)
        return url

    return made


@pytest.fixture(scope="session")
def abac_template(template: Templates) -> str:
    """Name the template of database `abac`, migrated to the head."""
    return template("abac", lambda url: migrate.upgrade(_ABAC, url))


@pytest.fixture
async def abac_database(
    postgres_url: str, abac_template: str, database_name: Callable[[str], str]
) -> AsyncIterator[str]:
    """Give a fresh database `abac`, dropped after the test."""
    name = database_name("abac")
    yield await clone(postgres_url, abac_template, name)
    await drop(postgres_url, name)


@pytest.fixture(scope="session")
def audit_template(template: Templates) -> str:
    """Name the template of database `audit`, migrated to the head."""
    return template("audit", lambda url: migrate.upgrade(_AUDIT, url))


@pytest.fixture
async def audit_database(
    postgres_url: str, audit_template: str, database_name: Callable[[str], str]
) -> AsyncIterator[str]:
    """Give a fresh database `audit`, dropped after the test."""
    name = database_name("audit")
    yield await clone(postgres_url, audit_template, name)
    await drop(postgres_url, name)
