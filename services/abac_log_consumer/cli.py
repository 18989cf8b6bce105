"""mithril abac-log-consumer: serve, migrate, doctor, verify."""

import asyncio
import sys
from pathlib import Path

import typer

from services.abac_log_consumer import app as composition
from services.abac_log_consumer.settings import Settings
from shared.runtime import logging, migrate, serve
from shared.runtime.settings import load_or_exit

cli = typer.Typer(
    no_args_is_help=True, help="The audit log: recording, proof, the auditors' queries."
)


@cli.command("serve")
def serve_command() -> None:
    """Record what Kafka tells and serve both listeners, until SIGTERM."""
    settings = load_or_exit(Settings)
    logging.configure(
        service=composition.NAME, level=settings.log_level, human=settings.human_logs()
    )
    serve.run(lambda: composition.process(settings))


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
    for name, value in sorted(settings.model_dump().items()):
        typer.echo(f"{name} = {value}")
    typer.echo(f"public key = {settings.signer.public.hex()}")
    states = asyncio.run(composition.examine(settings))
    for name, state in states.items():
        typer.echo(f"{name}: {state}")
    if any(state != "ok" for state in states.values()):
        sys.exit(1)
