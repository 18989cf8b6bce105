"""mithril doctor."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

_ENVIRONMENT = typer.Option(
    help="A directory with `<service>.env` of each, in the format of compose; what our own "
    "environment has goes before it.",
    exists=True,
    file_okay=False,
)
_ONLY = typer.Option(help="Look at this service alone; may be given several times.")


def doctor(
    environment: Annotated[Path | None, _ENVIRONMENT] = None,
    only: Annotated[list[str] | None, _ONLY] = None,
    *,
    json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Look at every service's settings and at all their neighbours. Exit 1 if one fails."""
    from services.doctor import examining, findings  # noqa: PLC0415 — all services, when asked
    from shared.runtime import logging  # noqa: PLC0415
    from shared.runtime.clock import SystemClock  # noqa: PLC0415

    unknown = set(only or ()) - set(examining.PACKAGES)
    if unknown:
        typer.echo(f"mithril doctor: no service is named {', '.join(unknown)}", err=True)
        sys.exit(2)
    logging.configure(service="doctor", level="critical")
    names = only or list(examining.PACKAGES)
    found = asyncio.run(examining.examine(names, environment, SystemClock()))
    typer.echo(findings.as_json(found) if json else findings.as_table(found))
    sys.exit(0 if findings.is_well(found) else 1)
