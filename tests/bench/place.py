"""Where a run measures, and what it finds: a line of the table each."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from shared.runtime import migrate
from shared.runtime.embedded_kafka import EmbeddedKafka
from shared.runtime.embedded_postgres import EmbeddedPostgres
from tests.bench.targets import Target


@dataclass(frozen=True, kw_only=True)
class Place:
    """The neighbours of a run, shared by all its parts, and how long it measures."""

    server: EmbeddedPostgres
    kafka: EmbeddedKafka
    directory: Path
    seconds: int
    records: int  # of the log in which a patient's history is looked up
    tokens: int  # that move in from the original

    async def database(self, name: str, service: ModuleType) -> str:
        """The URL of a new database, migrated to what the service needs."""
        self.server.create_database(name)
        url = self.server.url(name)
        package = Path(str(service.__file__)).parent
        await asyncio.to_thread(migrate.upgrade, package, url)  # it has a loop of its own
        return url


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One line of the table; without a figure where it could not be had, and `note` says why."""

    target: Target
    figure: float | None
    note: str

    @property
    def broken(self) -> bool:
        """Whether the figure is not what was promised."""
        return self.figure is not None and not self.target.kept(self.figure)


def render(lines: Sequence[Measured]) -> str:
    """The table."""
    rows = [("what", "target", "figure", "kept", "")]
    rows += [
        (
            line.target.name,
            line.target.bound,
            "-" if line.figure is None else f"{line.figure:.2f}",
            _kept(line),
            line.note,
        )
        for line in lines
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    )


def _kept(line: Measured) -> str:
    if line.figure is None:
        return "?"
    return "NO" if line.broken else "yes"
