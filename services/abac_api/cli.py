"""mithril abac-api: serve, migrate, doctor."""

import asyncio
from pathlib import Path

import typer

from services.abac_api import app as composition
from services.abac_api.cli_facts import cli as facts
from services.abac_api.cli_rules import explain_command, policies, replay_command
from services.abac_api.settings import Settings
from shared.runtime import migrate
from shared.runtime.commands import print_settings, report, serve_until_told
from shared.runtime.settings import load_or_exit

cli = typer.Typer(
    no_args_is_help=True, help="Decides by attributes who may do what to which record."
)
cli.add_typer(facts, name="facts")
cli.add_typer(policies, name="policies")
cli.command("explain")(explain_command)
cli.command("replay")(replay_command)


@cli.command("serve")
def serve_command() -> None:
    """Serve both listeners and relay the outbox, until SIGTERM."""
    settings = load_or_exit(Settings)
    serve_until_told(composition.NAME, settings, composition.process)


@cli.command("migrate")
def migrate_command() -> None:
    """Bring the database up to this release; safe to run by several at once."""
    settings = load_or_exit(Settings)
    migrate.upgrade(Path(__file__).parent, settings.database_url.get_secret_value())
    typer.echo("database `abac` is up to date")


@cli.command("doctor")
def doctor_command() -> None:
    """Print the settings, secrets hidden, and try each neighbour. Exit 1 if one fails."""
    settings = load_or_exit(Settings)
    print_settings(settings)
    report(asyncio.run(composition.examine(settings)))
