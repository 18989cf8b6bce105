"""What an import did, or would do: for people, for programs, and as an exit status."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.mithril_api.domain.legacy.findings import Kind, Tally

CLEAN, PROBLEMS, CANNOT = 0, 1, 2


@dataclass(slots=True, kw_only=True)
class Count:
    """What became of the rows of one table."""

    read: int = 0
    left_out: int = 0
    new: int = 0
    changed: int = 0
    removed: int = 0  # or, of tokens, ended

    def add(self, new: int, changed: int, removed: int) -> None:
        """Count what a batch wrote."""
        self.new += new
        self.changed += changed
        self.removed += removed

    def changes(self) -> int:
        """How many rows are here otherwise than before."""
        return self.new + self.changed + self.removed

    def rendered(self) -> dict[str, int]:
        """For the report."""
        return {
            "read": self.read,
            "left_out": self.left_out,
            "new": self.new,
            "changed": self.changed,
            "removed": self.removed,
        }


@dataclass(slots=True, kw_only=True)
class Report:
    """An import, from its start to its end."""

    source: str
    dry_run: bool
    started_at: datetime
    finished_at: datetime | None = None
    tables: dict[str, Count] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)
    aside: Mapping[str, int] = field(default_factory=dict)
    unknown_tables: list[str] = field(default_factory=list)
    unknown_columns: list[str] = field(default_factory=list)

    def of(self, table: str) -> Count:
        """The count of a table."""
        return self.tables.setdefault(table, Count())

    def changes(self) -> int:
        """How many rows are here otherwise than before."""
        return sum(count.changes() for count in self.tables.values())

    def status(self, accepted: frozenset[Kind]) -> int:
        """The exit status: whether anything was left out that nobody said may be."""
        return PROBLEMS if self.tally.left_out(accepted) else CLEAN

    def rendered(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "source": self.source,
            "dry_run": self.dry_run,
            "started_at": self.started_at,
            "finished_at": self.finished_at,
            "tables": {name: count.rendered() for name, count in self.tables.items()},
            "problems": self.tally.rendered(),
            "not_moved": dict(self.aside),
            "unknown_tables": self.unknown_tables,
            "unknown_columns": self.unknown_columns,
        }

    def lines(self) -> Iterator[str]:
        """As people read it."""
        head = f"{'table':24}" + "".join(
            f"{name:>10}" for name in ("read", "left out", "new", "changed", "removed")
        )
        yield head
        for name, count in self.tables.items():
            yield f"{name:24}" + "".join(f"{n:10}" for n in count.rendered().values())
        for item in self.tally.rendered():
            yield ""
            yield f"{item['table']}: {item['problem']}: {item['count']} ({item['doing']})"
            yield f"  {item['what']}"
            yield f"  such as {', '.join(item['examples'])}"
        if self.aside or self.unknown_tables or self.unknown_columns:
            yield ""
            yield "not moved, since it has no place here:"
        for what, many in self.aside.items():
            yield f"  {what}: {many}"
        for what in self.unknown_tables:
            yield f"  unknown table: {what}"
        for what in self.unknown_columns:
            yield f"  unknown column: {what}"
