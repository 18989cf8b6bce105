"""Room for some exports at once, each with a database connection of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from shared.runtime.postgres import Database
from shared.wire.envelope import Problem


@dataclass(slots=True, kw_only=True)
class Exports:
    """At most `most` at once, since each holds a snapshot of the database while it goes on."""

    db: Database
    most: int
    going: int = 0

    @asynccontextmanager
    async def room(self) -> AsyncIterator[Database]:
        """A place among the exports; 429 where there is none."""
        if self.going >= self.most:
            text = "Too many exports at once. Try again later"
            raise Problem(429, "too_many_requests", text, headers={"Retry-After": "30"})
        self.going += 1
        try:
            yield self.db
        finally:
            self.going -= 1
