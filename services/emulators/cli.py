"""mithril emulators: serve."""

import typer

from services.emulators import app as composition
from services.emulators.settings import Settings
from shared.runtime.commands import serve_until_told
from shared.runtime.settings import load_or_exit

cli = typer.Typer(
    no_args_is_help=True,
    help="Outside systems for a laptop and for tests: SMS, mail, signatures, persons.",
)


@cli.callback()
def _commands() -> None:
    """Keep `serve` a subcommand, though it is the only one."""


@cli.command("serve")
def serve_command() -> None:
    """Serve both listeners and the mail server, until SIGTERM."""
    serve_until_told(composition.NAME, load_or_exit(Settings), composition.process)
