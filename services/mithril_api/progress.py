"""How far an import came: a bar for people, a line of JSON a step for programs."""

from collections.abc import Iterator
from contextlib import contextmanager

import orjson
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from services.mithril_api.actions.legacy import deps


class Bar:
    """On a terminal: what is done of each table, and when it will be."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID | None = None

    def begin(self, table: str, total: int) -> None:
        """The next bar."""
        self._task = self._progress.add_task(f"{table:24}", total=total)

    def advance(self, _: str, rows: int) -> None:
        """Move it."""
        if self._task is not None:
            self._progress.advance(self._task, rows)


class Lines:
    """Elsewhere: one JSON object a line."""

    def __init__(self, console: Console) -> None:
        self._file = console.file
        self._total = 0
        self._done = 0

    def begin(self, table: str, total: int) -> None:
        """Say what comes."""
        self._total, self._done = total, 0
        self._say(table)

    def advance(self, table: str, rows: int) -> None:
        """Say how far it is."""
        self._done += rows
        self._say(table)

    def _say(self, table: str) -> None:
        line = {"table": table, "done": self._done, "total": self._total}
        self._file.write(orjson.dumps(line).decode() + "\n")
        self._file.flush()


@contextmanager
def told_on(console: Console) -> Iterator[deps.Progress]:
    """What fits where the console writes; a bar leaves the terminal as it was."""
    if not console.is_terminal:
        yield Lines(console)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        yield Bar(progress)
