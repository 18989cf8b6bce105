"""Databases for tests: a template is built once a session, each test has a clone."""

import fcntl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

from tests.neighbours.ready import run_aside


def url_of(admin_url: str, name: str) -> str:
    """Address another database of the same cluster, as the same user."""
    return urlunsplit(urlsplit(admin_url)._replace(path=f"/{quote(name)}"))


def prefix_of(directory: Path) -> str:
    """Name what all databases of a session begin with, from its directory's name."""
    return directory.name.replace("-", "_") + "_"


async def clone(admin_url: str, template: str, name: str) -> str:
    """Create a database like the template, which no one may be connected to.

    Its files are copied, which took two thirds of the time of writing them to the log.
    """
    await _run(
        admin_url,
        f"CREATE DATABASE {_quoted(name)} TEMPLATE {_quoted(template)} STRATEGY file_copy",
    )
    return url_of(admin_url, name)


async def drop(admin_url: str, name: str) -> None:
    """Drop a database with its connections; nothing if it is not there."""
    await _run(admin_url, f"DROP DATABASE IF EXISTS {_quoted(name)} WITH (FORCE)")


async def drop_all(admin_url: str, prefix: str) -> None:
    """Drop every database whose name begins so, templates too."""
    connection = await asyncpg.connect(admin_url)
    try:
        rows = await connection.fetch(
            "SELECT datname FROM pg_database WHERE starts_with(datname, $1)", prefix
        )
        for (name,) in rows:
            await connection.execute(f"ALTER DATABASE {_quoted(name)} IS_TEMPLATE false")
            await connection.execute(f"DROP DATABASE {_quoted(name)} WITH (FORCE)")
    finally:
        await connection.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Templates:
    """The templates of one session, built by whichever of its processes comes first."""

    admin_url: str
    directory: Path

    def __call__(self, name: str, build: Callable[[str], None]) -> str:
        """Name the template database, which `build` fills by URL if no one has yet."""
        database = f"{prefix_of(self.directory)}{name}"
        built = self.directory / f"template-{name}"
        with built.with_suffix(".lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not built.exists():
                self._create(database, build)
                built.touch()
        return database

    def _create(self, database: str, build: Callable[[str], None]) -> None:
        run_aside(lambda: drop(self.admin_url, database))  # a build which failed
        run_aside(lambda: _run(self.admin_url, f"CREATE DATABASE {_quoted(database)}"))
        build(url_of(self.admin_url, database))
        # A connection to the template would make every clone of it fail.
        seal = (
            f"ALTER DATABASE {_quoted(database)} IS_TEMPLATE true ALLOW_CONNECTIONS false"
        )
        run_aside(lambda: _run(self.admin_url, seal))


async def _run(admin_url: str, statement: str) -> None:
    connection = await asyncpg.connect(admin_url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _quoted(name: str) -> str:
    escaped = name.replace('"', '""')
    return f'"{escaped}"'
