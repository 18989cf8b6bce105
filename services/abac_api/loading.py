"""A file of facts into the database: a JSON object a line, a transaction a batch."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

import orjson

from services.abac_api.actions.keep_facts import keep_each
from services.abac_api.domain.told import Outcome, Told, is_from_the_future
from services.abac_api.fact_bodies import told_of_line
from services.abac_api.records import places_of
from shared.runtime.clock import Clock
from shared.runtime.entropy import Entropy
from shared.runtime.postgres import Database
from shared.wire.envelope import Invalid, Problem, validation_failed


@dataclass(slots=True)
class Loaded:
    """What became of the lines."""

    kept: int = 0
    older: int = 0
    bad: int = 0


@dataclass(slots=True, kw_only=True)
class Loader:
    """Loads lines; bad ones are reported by number and passed over.

    What has no time of its own counts as told when the load began; of two such lines about
    one thing the later line is believed. Loading a file again does no harm.
    """

    db: Database
    clock: Clock
    entropy: Entropy
    on_bad: Callable[[int, str], None]
    on_progress: Callable[[int], None] = lambda _: None  # told how many bytes are done
    batch: int = 1000
    loaded: Loaded = field(default_factory=Loaded)

    async def load(self, lines: Iterable[bytes]) -> Loaded:
        """Load all; raises `DatabaseUnavailableError` with every batch before it kept."""
        began = self.clock.now()
        waiting: list[tuple[int, Told]] = []
        size = 0
        for number, line in enumerate(lines, 1):
            size += len(line)
            if line.strip() and (told := self._told(number, line, began)) is not None:
                waiting.append((number, told))
            if len(waiting) == self.batch:
                await self._keep(waiting)
                self.on_progress(size)
                waiting, size = [], 0
        await self._keep(waiting)
        self.on_progress(size)
        return self.loaded

    def _told(self, number: int, line: bytes, began: datetime) -> Told | None:
        """What a line says; none where it is bad, which is reported."""
        try:
            told = _read(line, began, self.entropy)
        except orjson.JSONDecodeError:
            self._report(number, "no JSON")
        except Problem as problem:
            self._report(number, places_of(problem))
        else:
            if not is_from_the_future(told, now=began):
                return told
            self._report(number, "$.at must not be in the future")
        return None

    def _report(self, number: int, text: str) -> None:
        self.loaded.bad += 1
        self.on_bad(number, text)

    async def _keep(self, waiting: list[tuple[int, Told]]) -> None:
        if not waiting:
            return
        outcomes = await keep_each(self.db, [told for _, told in waiting])
        for (number, _), outcome in zip(waiting, outcomes, strict=True):
            match outcome:
                case Outcome.KEPT:
                    self.loaded.kept += 1
                case Outcome.OLDER:
                    self.loaded.older += 1
                case Outcome.REFUSED:
                    self._report(number, "refused by the database")


def _read(line: bytes, began: datetime, entropy: Entropy) -> Told:
    value = orjson.loads(line)
    if not isinstance(value, dict):
        raise validation_failed(
            [Invalid(entry="$", rule="cast", description="is no JSON object")]
        )
    return told_of_line(value, now=began, event_id=entropy.uuid())
