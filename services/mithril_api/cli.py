"""mithril mithril-api: its commands. Those of a subject are in modules of their own."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from services.mithril_api import app as composition
from services.mithril_api.cli_registration import registration
from services.mithril_api.domain import security_check
from services.mithril_api.domain.oauth2.signing_keys import Alg
from services.mithril_api.domain.security_check import Level
from services.mithril_api.settings import Settings
from shared.runtime import migrate
from shared.runtime.commands import print_settings, report, serve_until_told
from shared.runtime.postgres import DatabaseUnavailableError
from shared.runtime.settings import load_or_exit

cli = typer.Typer(
    no_args_is_help=True, help="The authorization server: tokens, clients, users."
)


keys = typer.Typer(no_args_is_help=True, help="The keys that sign tokens.")
cli.add_typer(keys, name="keys")
cli.add_typer(registration, name="registration-tokens")


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
    """Seal authenticator secrets and signing keys under the first of MITHRIL_SECRET_KEYS."""
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


@cli.command("security-check")
def security_check_command(
    strict: Annotated[
        bool, typer.Option(help="A warning counts as a failure, too.")
    ] = False,
) -> None:
    """Hold settings and clients against RFC 9700. Exit 1 if a point fails."""
    settings = load_or_exit(Settings)
    try:
        findings = asyncio.run(composition.check_security_of(settings))
    except DatabaseUnavailableError as error:
        typer.echo(f"failure  database: {error}")
        raise typer.Exit(1) from None
    for item in findings:
        typer.echo(f"{item.level.value:8} {item.point}: {item.reason}")
    worst = security_check.worst(findings)
    if worst is Level.FAILURE or (strict and worst is Level.WARNING):
        raise typer.Exit(1)


@keys.command("list")
def list_keys_command() -> None:
    """Show the signing keys: what each does now, and until when."""
    found = asyncio.run(composition.known_keys(load_or_exit(Settings)))
    for key, state in found:
        until = "" if key.retires_at is None else f" until {key.retires_at:%Y-%m-%d %H:%M}"
        since = f"{key.activates_at:%Y-%m-%d %H:%M}"
        typer.echo(f"{key.kid}  {key.alg:5}  {state:9}  signs from {since}{until}")
    if not found:
        typer.echo("none yet: the first is made when it is needed")


@keys.command("rotate")
def rotate_keys_command(
    alg: Annotated[list[Alg] | None, typer.Option(help="Only of this algorithm.")] = None,
    compromised: Annotated[
        bool,
        typer.Option(help="Somebody else has them: they leave the JWKS now, not later."),
    ] = False,
) -> None:
    """Replace signing keys at once, rather than when their time comes."""
    settings = load_or_exit(Settings)
    chosen = alg or list(Alg)
    done = asyncio.run(composition.rotate_keys(settings, chosen, compromised=compromised))
    typer.echo(f"made: {done.made}; retired: {done.retired}")
