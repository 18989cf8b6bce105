"""Run a service's alembic migrations: one runner at a time, bounded waits, a transaction each.

A migration that cannot have its locks within four seconds fails and is run again later,
instead of queueing every request behind itself.
"""

import asyncio
import zlib
from pathlib import Path

import asyncpg
from alembic import command, context
from alembic.config import Config
from sqlalchemy import Connection, MetaData, pool, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.schema import SchemaItem

LOCK_TIMEOUT = "4s"
STATEMENT_TIMEOUT = "60s"
_KEY = "mithril.url"


def config_of(package_directory: Path, url: str) -> Config:
    """An alembic configuration for the `migrations/` of a service package."""
    config = Config()
    config.set_main_option("script_location", str(package_directory / "migrations"))
    config.attributes[_KEY] = url
    return config


def upgrade(package_directory: Path, url: str, *, to: str = "head") -> None:
    """Bring the database at `url` (`postgresql://…`) up to a revision. Not within a loop."""
    command.upgrade(config_of(package_directory, url), to)


def run_env(metadata: MetaData) -> None:
    """What each service's `env.py` does."""
    if context.is_offline_mode():
        raise SystemExit("offline migrations are not offered: partitions depend on the day")
    url: str = context.config.attributes[_KEY]
    asyncio.run(_run(metadata, url))


async def _run(metadata: MetaData, url: str) -> None:
    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=lambda: asyncpg.connect(url, timeout=10),
        poolclass=pool.NullPool,
    )
    async with engine.connect() as connection:
        await connection.run_sync(_migrate, metadata)
        await connection.commit()
    await engine.dispose()


def _migrate(connection: Connection, metadata: MetaData) -> None:
    lock = zlib.crc32(b"mithril migrations")
    connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": lock})
    connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
    connection.execute(text(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'"))
    connection.commit()
    try:
        context.configure(
            connection=connection,
            target_metadata=metadata,
            transaction_per_migration=True,
            compare_type=True,
            compare_server_default=False,
            include_object=_is_ours,
        )
        with context.begin_transaction():
            context.run_migrations()
    finally:
        connection.rollback()
        connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": lock})
        connection.commit()


def _is_ours(
    item: SchemaItem, name: str | None, kind: str, reflected: bool, _: SchemaItem | None
) -> bool:
    """Partitions come and go with the calendar; no migration speaks of them."""
    table = name if kind == "table" else getattr(getattr(item, "table", None), "name", None)
    return not (reflected and table is not None and is_partition(table))


def is_partition(table: str) -> bool:
    """Whether a table's name is that of a partition, as runtime/partitions.py gives them."""
    stem, _, suffix = table.rpartition("_")
    return bool(stem) and (
        suffix == "default" or (suffix[:1] == "p" and suffix[1:].isdigit())
    )
