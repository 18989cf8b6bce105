"""mithril mithril-api: serve, migrate, doctor."""

import asyncio
from pathlib import Path

import typer

from services.mithril_api import app as composition
from services.mithril_api.settings import Settings
from shared.runtime import migrate
from shared.runtime.commands import print_settings, report, serve_until_told
from shared.runtime.settings import load_or_exit

cli = typer.Typer(
    no_args_is_help=True, help="The authorization server: tokens, clients, users."
)


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
    typer.echo("database `mithril` is up to date")


@cli.command("reseal")
def reseal_command() -> None:
    """Seal the secrets of authenticator apps under the first of MITHRIL_SECRET_KEYS."""
    done = asyncio.run(composition.reseal(load_or_exit(Settings)))
    typer.echo(
        f"sealed anew: {done.renewed}; already so: {done.present}; no key opens: {done.lost}"
    )
    raise typer.Exit(1 if done.lost else 0)


@cli.command("doctor")
def doctor_command() -> None:
    """Print the settings, secrets hidden, and try each neighbour. Exit 1 if one fails."""
    settings = load_or_exit(Settings)
    print_settings(settings)
    report(asyncio.run(composition.examine(settings)))
