"""mithril abac-log-consumer archive, check-archive, partitions: the owner's commands."""

import asyncio
import gzip
import sys
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import orjson
import typer

from services.abac_log_consumer.actions.archive_month import (
    NotArchivedError,
    archive_month,
    months_over,
)
from services.abac_log_consumer.domain.archives import (
    TamperedError,
    check_archive,
    sha256_of,
)
from services.abac_log_consumer.domain.signing import public_key, trusted
from services.abac_log_consumer.housekeeping import keep_partitions
from services.abac_log_consumer.settings import Settings
from shared.runtime.clock import SystemClock
from shared.runtime.postgres import Database, connect
from shared.runtime.settings import load_or_exit


def archive_command(
    directory: Annotated[Path, typer.Option("--to", exists=True, file_okay=False)],
    keep_days: Annotated[int, typer.Option(min=31)] = 1095,
) -> None:
    """Move months that ended so long ago into files with their proof, then drop them."""
    settings = load_or_exit(Settings)
    try:
        asyncio.run(_archive(settings, directory, timedelta(days=keep_days)))
    except NotArchivedError as error:
        typer.echo(str(error), err=True)
        sys.exit(1)


async def _archive(settings: Settings, directory: Path, keep: timedelta) -> None:
    now = SystemClock().now()
    owner = _owner(settings)
    try:
        for table in ("decisions", "token_events"):
            for month in await months_over(owner, table, before=now - keep):
                url = settings.database_url.get_secret_value()
                file = await archive_month(
                    owner,
                    url,
                    month,
                    directory=directory,
                    key=settings.signer,
                    now=now,
                )
                typer.echo(f"{month.name}: {file}")
    finally:
        await owner.dispose()


def check_archive_command(file: Path) -> None:
    """See that an archive is as it was made. Exit 1 if not."""
    settings = load_or_exit(Settings)
    keys = trusted([settings.signer.public, *map(public_key, settings.trusted_keys)])
    name = file.name.removesuffix(".ndjson.gz")
    try:
        proof = orjson.loads(file.with_name(f"{name}.proof.json").read_bytes())
        with file.open("rb") as stream:
            digest = sha256_of(iter(lambda: stream.read(1 << 20), b""))
        with gzip.open(file) as lines:
            count = check_archive(lines, proof, sha256=digest, keys=keys)
    except (TamperedError, OSError, ValueError, KeyError) as error:
        typer.echo(f"{file}: {error}", err=True)
        sys.exit(1)
    typer.echo(f"{count} records, as they were archived")


def partitions_command() -> None:
    """Make the coming months, trim the outbox; for a service whose login may not do it."""
    settings = load_or_exit(Settings)
    made = asyncio.run(keep_partitions(settings, SystemClock()))
    typer.echo(", ".join(made) or "all are there")


def _owner(settings: Settings) -> Database:
    return connect(
        settings.database_url.get_secret_value(),
        pool_size=1,
        application="abac-log-consumer owner",
        statement_timeout_ms=600_000,
    )
