"""mithril abac-api facts: load."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from services.abac_api.loading import Loaded, Loader
from shared.runtime.clock import SystemClock
from shared.runtime.entropy import SystemEntropy
from shared.runtime.postgres import DatabaseUnavailableError, connect

cli = typer.Typer(no_args_is_help=True, help="What decisions are made by.")


@cli.callback()
def _group() -> None:
    """Keep `load` a command of a group, though it is the only one."""


@cli.command("load")
def load_command(
    file: Annotated[
        Path,
        typer.Argument(
            exists=True,
            dir_okay=False,
            readable=True,
            help='NDJSON: {"kind", "id", "fact": {…} or "withdrawn": true, "at"?} a line.',
        ),
    ],
    database_url: Annotated[str, typer.Option(envvar="DATABASE_URL")],
    batch: Annotated[int, typer.Option(min=1, max=10_000)] = 1000,
) -> None:
    """Load facts in bulk. Bad lines are named and passed over; exit 1 if there was one."""
    try:
        loaded = asyncio.run(_load(file, file.stat().st_size, database_url, batch))
    except DatabaseUnavailableError as error:
        typer.echo(f"database is away: {error}; loading the file again is safe", err=True)
        sys.exit(1)
    counts = f"{loaded.kept} kept, {loaded.older} not newer than what is held"
    typer.echo(f"{counts}, {loaded.bad} bad lines")
    if loaded.bad:
        sys.exit(1)


async def _load(file: Path, size: int, database_url: str, batch: int) -> Loaded:
    db = connect(database_url, pool_size=1, application="abac-api facts load")
    try:
        # Bytes, since lines are not counted beforehand; the bar is shown on a terminal only.
        with (
            file.open("rb") as lines,
            typer.progressbar(length=size, label="facts") as bar,
        ):
            loader = Loader(
                db=db,
                clock=SystemClock(),
                entropy=SystemEntropy(),
                on_bad=lambda number, text: typer.echo(f"line {number}: {text}", err=True),
                on_progress=bar.update,
                batch=batch,
            )
            return await loader.load(lines)
    finally:
        await db.dispose()
