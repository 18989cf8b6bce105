"""mithril abac-log-consumer: serve, migrate, doctor, verify; and the owner's commands."""

import asyncio
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from services.abac_log_consumer import app as composition
from services.abac_log_consumer.actions.verify_log import Report, verify_log
from services.abac_log_consumer.cli_archive import (
    archive_command,
    check_archive_command,
    partitions_command,
)
from services.abac_log_consumer.cli_rejected import rejected
from services.abac_log_consumer.domain.signing import public_key, trusted
from services.abac_log_consumer.domain.verification import Signed, read_checkpoints
from services.abac_log_consumer.published import published_checkpoints
from services.abac_log_consumer.settings import Settings
from services.abac_log_consumer.store.verifying import CONNECTIONS, snapshot
from shared.runtime import migrate
from shared.runtime.commands import print_settings, report, serve_until_told
from shared.runtime.settings import load_or_exit

cli = typer.Typer(
    no_args_is_help=True, help="The audit log: recording, proof, the auditors' queries."
)

cli.command("archive")(archive_command)
cli.command("check-archive")(check_archive_command)
cli.command("partitions")(partitions_command)
cli.add_typer(rejected, name="rejected")


@cli.command("serve")
def serve_command() -> None:
    """Record what Kafka tells and serve both listeners, until SIGTERM."""
    settings = load_or_exit(Settings)
    serve_until_told(composition.NAME, settings, composition.process)


@cli.command("migrate")
def migrate_command() -> None:
    """Bring the database up to this release; safe to run by several at once."""
    settings = load_or_exit(Settings)
    migrate.upgrade(Path(__file__).parent, settings.database_url.get_secret_value())
    typer.echo("database `audit` is up to date")


@cli.command("doctor")
def doctor_command() -> None:
    """Print the settings, secrets hidden, and try each neighbour. Exit 1 if one fails."""
    settings = load_or_exit(Settings)
    print_settings(settings)
    typer.echo(f"public key = {settings.signer.public.hex()}")
    report(asyncio.run(composition.examine(settings)))


@cli.command("checkpoints")
def checkpoints_command() -> None:
    """Print the checkpoints that Kafka holds, one a line, for `verify --checkpoints FILE`."""
    asyncio.run(_print_checkpoints(load_or_exit(Settings)))


async def _print_checkpoints(settings: Settings) -> None:
    async for line in published_checkpoints(settings.kafka()):
        typer.echo(line.decode())


_CHECKPOINTS = typer.Option(
    help="Checkpoints kept elsewhere, one a line, as `checkpoints` prints them."
)


@cli.command("verify")
def verify_command(
    since: Annotated[datetime | None, typer.Option("--from", help="UTC")] = None,
    until: Annotated[
        datetime | None, typer.Option("--to", help="UTC, not included")
    ] = None,
    checkpoints: Annotated[Path | None, _CHECKPOINTS] = None,
) -> None:
    """Compute the chains again; name the first record of each that is not as it was. Exit 1."""
    settings = load_or_exit(Settings)
    kept = _kept(checkpoints)
    started = time.perf_counter()
    report = asyncio.run(
        _verify(settings, kept, since and _utc(since), until and _utc(until))
    )
    seconds = time.perf_counter() - started
    typer.echo(
        f"{report.records} records of {report.chains} chains and {report.checkpoints} "
        f"checkpoints in {seconds:.1f} s ({report.records / seconds:.0f} a second)"
    )
    for finding in report.findings:
        typer.echo(str(finding))
    if report.findings:
        sys.exit(1)
    typer.echo("nothing was changed, removed or inserted")


async def _verify(
    settings: Settings,
    kept: Sequence[Signed],
    since: datetime | None,
    until: datetime | None,
) -> Report:
    keys = trusted([settings.signer.public, *map(public_key, settings.trusted_keys)])
    url = settings.database_url.get_secret_value()
    async with snapshot(url, role=settings.database_role, connections=CONNECTIONS) as seen:
        return await verify_log(seen, keys=keys, kept=kept, since=since, until=until)


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)


def _kept(file: Path | None) -> list[Signed]:
    if file is None:
        return []
    try:
        return read_checkpoints(file.read_text().splitlines())
    except (OSError, ValueError) as error:
        typer.echo(f"{file}: {error}", err=True)
        sys.exit(2)
