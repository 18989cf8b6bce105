"""mithril import-legacy: move in from a database of the original."""

import asyncio
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console

from services.mithril_api import importing
from services.mithril_api.actions.legacy.import_legacy import ImportRefusedError
from services.mithril_api.domain.legacy.findings import Kind
from services.mithril_api.domain.legacy.report import CANNOT, Report
from services.mithril_api.progress import told_on
from services.mithril_api.settings_import import ImportSettings
from services.mithril_api.store.legacy.source import NotTheOriginalError
from shared.runtime.postgres import DatabaseUnavailableError, OldSchemaError
from shared.runtime.settings import load_or_exit

cli = typer.Typer()

_CANNOT = (
    DatabaseUnavailableError,
    ImportRefusedError,
    NotTheOriginalError,
    OldSchemaError,
)


@cli.command()
def import_legacy(
    *,
    source: Annotated[
        str,
        typer.Option(
            "--from",
            envvar="MITHRIL_LEGACY_DATABASE_URL",
            help="The original's database, as postgresql://…",
            show_envvar=True,
        ),
    ],
    target: Annotated[
        str | None, typer.Option("--to", help="Where to; else DATABASE_URL.")
    ] = None,
    batch: Annotated[
        int, typer.Option(min=1, max=200_000, help="Rows of a transaction.")
    ] = 20_000,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Look at everything, write nothing.")
    ] = False,
    report: Annotated[
        Path | None, typer.Option(help="Also write the report there, as JSON.")
    ] = None,
    accept: Annotated[
        list[Kind] | None,
        typer.Option(help="A problem for which rows may be left out. Repeat as needed."),
    ] = None,
    another_source: Annotated[
        bool,
        typer.Option(
            "--another-source", help="The same data as before, at another address."
        ),
    ] = False,
) -> None:
    """Move users, clients, approvals, roles and live tokens in from the original.

    As often as wanted: what is there already is compared. Exit status 0: all came along;
    1: something was left out for a reason that was not accepted; 2: it could not be done.
    """
    settings = load_or_exit(ImportSettings)
    try:
        with told_on(Console(stderr=True)) as progress:
            done = asyncio.run(
                importing.run(
                    settings,
                    source=source,
                    target=target,
                    batch=batch,
                    dry_run=dry_run,
                    another_source=another_source,
                    progress=progress,
                )
            )
    except _CANNOT as error:
        typer.echo(f"cannot import: {error}", err=True)
        raise typer.Exit(CANNOT) from None
    _tell(done, report)
    raise typer.Exit(done.status(frozenset(accept or ())))


def _tell(done: Report, path: Path | None) -> None:
    for line in done.lines():
        typer.echo(line)
    if path is not None:
        path.write_bytes(orjson.dumps(done.rendered(), option=orjson.OPT_INDENT_2) + b"\n")


if __name__ == "__main__":
    cli()
