"""The commands that every service has."""

import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

import typer

from shared.runtime import logging, serve, tracing
from shared.runtime.serve import Process
from shared.runtime.settings import ProcessSettings

Settings = TypeVar("Settings", bound=ProcessSettings)


def serve_until_told(
    name: str, settings: Settings, process: Callable[[Settings], Awaitable[Process]]
) -> None:
    """Set up the log of this process and serve until SIGTERM."""
    logging.configure(
        service=name, level=settings.log_level, human=settings.human_logs(), for_good=True
    )
    tracing.start(name, settings.traces_endpoint)
    try:
        serve.run(lambda: process(settings))
    finally:
        tracing.stop()


def print_settings(settings: ProcessSettings) -> None:
    """One setting a line under the name of its variable, secrets hidden."""
    fields = type(settings).model_fields
    values = {
        str(fields[name].validation_alias or name): value
        for name, value in settings.model_dump().items()
    }
    for name, value in sorted(values.items()):
        typer.echo(f"{name} = {value}")


def report(states: dict[str, str]) -> None:
    """Print the state of each neighbour; exit 1 unless all are `ok`."""
    for name, state in states.items():
        typer.echo(f"{name}: {state}")
    if any(state != "ok" for state in states.values()):
        sys.exit(1)
