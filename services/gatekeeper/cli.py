"""mithril gatekeeper: serve, doctor, rules check."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from services.gatekeeper import app as composition
from services.gatekeeper.domain.rule_files import RuleFileError
from services.gatekeeper.domain.rules import Rules
from services.gatekeeper.settings import Settings
from shared.runtime.commands import print_settings, report, serve_until_told
from shared.runtime.settings import load_or_exit

cli = typer.Typer(
    no_args_is_help=True,
    help="The edge: forward-auth for a proxy, and the sign-in of a web app.",
)
rules = typer.Typer(no_args_is_help=True, help="The rules file of forward-auth.")
cli.add_typer(rules, name="rules")


@cli.command("serve")
def serve_command() -> None:
    """Serve both listeners, until SIGTERM."""
    settings = load_or_exit(Settings)
    _rules_or_exit(settings.rules_file)
    serve_until_told(composition.NAME, settings, composition.process)


@cli.command("doctor")
def doctor_command() -> None:
    """Print the settings, secrets hidden, and try each neighbour. Exit 1 if one fails."""
    settings = load_or_exit(Settings)
    print_settings(settings)
    _rules_or_exit(settings.rules_file)
    report(asyncio.run(composition.examine(settings)))


@rules.command("check")
def check_command(file: Annotated[Path, typer.Argument()]) -> None:
    """Read a rules file; name every mistake with its line. Exit 78 if there is one."""
    found = _rules_or_exit(file)
    typer.echo(f"{file}: {len(found.rules)} rules")


def _rules_or_exit(file: Path) -> Rules:
    try:
        return composition.rules_of(file)
    except RuleFileError as error:
        for mistake in error.mistakes:
            typer.echo(f"{file}: {mistake}", err=True)
        sys.exit(78)  # EX_CONFIG of sysexits.h, as for a wrong setting
