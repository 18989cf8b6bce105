"""mithril auth-web: serve, doctor."""

import asyncio

import typer

from services.auth_web import app as composition
from services.auth_web.settings import Settings
from shared.runtime.commands import print_settings, report, serve_until_told
from shared.runtime.settings import load_or_exit

cli = typer.Typer(
    no_args_is_help=True, help="Shows the pages where people sign in and consent."
)


@cli.command("serve")
def serve_command() -> None:
    """Serve both listeners, until SIGTERM."""
    settings = load_or_exit(Settings)
    serve_until_told(composition.NAME, settings, composition.process)


@cli.command("doctor")
def doctor_command() -> None:
    """Print the settings, secrets hidden, and try each neighbour. Exit 1 if one fails."""
    settings = load_or_exit(Settings)
    print_settings(settings)
    report(asyncio.run(composition.examine(settings)))
