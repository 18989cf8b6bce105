"""All that an import may use that is not pure."""

from dataclasses import dataclass
from typing import Protocol

from services.mithril_api.domain.keys import Keyring
from shared.runtime.clock import Clock
from shared.runtime.entropy import Entropy
from shared.runtime.postgres import Database


class Progress(Protocol):
    """Who is told how far an import came."""

    def begin(self, table: str, total: int) -> None:
        """A table comes next, and has so many rows."""
        ...

    def advance(self, table: str, rows: int) -> None:
        """So many more rows of it are done."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportDeps:
    """Given to every action of an import. The database has two connections or more."""

    db: Database
    clock: Clock
    entropy: Entropy
    keyring: Keyring
    progress: Progress
    batch: int  # rows of a transaction
