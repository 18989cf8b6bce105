"""mithril-scheduler under test: its replicas, and mithril-api's way to the same tables."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text

from services.mithril_api.deps import Deps as ApiDeps
from services.scheduler.actions.run_job import run_job
from services.scheduler.app import Built, build
from services.scheduler.deps import Deps
from services.scheduler.domain.runs import Run
from services.scheduler.jobs import BY_NAME
from services.scheduler.settings import Settings
from shared.runtime.clock import Clock
from shared.runtime.postgres import Database
from tests.fakes import SteppingClock

SERVICE_TOKEN = "service-token-for-tests"


def settings_for(database_url: str, **but: Any) -> Settings:
    """Settings that a test needs; `but` overrides by field name."""
    values: dict[str, Any] = {
        "database_url": database_url,
        "service_tokens": (SERVICE_TOKEN,),
    }
    values.update(but)
    return Settings(**values)


class StoppingClock:
    """Stands still; the nth time it is read it asks the process to end."""

    def __init__(self, now: datetime, *, at_reading: int, stop: asyncio.Event) -> None:
        self._now = now
        self._left = at_reading
        self._stop = stop

    def now(self) -> datetime:
        self._left -= 1
        if self._left == 0:
            self._stop.set()
        return self._now


@dataclass(frozen=True)
class Office:
    """The scheduler under test, and mithril-api's way to the same tables."""

    url: str
    clock: SteppingClock
    api: ApiDeps
    replicas: list[Built]

    def replica(self, *, clock: Clock | None = None, **but: Any) -> Built:
        """One more process."""
        built = build(settings_for(self.url, **but), clock=clock or self.clock)
        self.replicas.append(built)
        return built

    async def run(self, job: str, *, deps: Deps | None = None, **but: Any) -> Run:
        """Run a job to its end in a process of its own."""
        ended = await run_job(deps or self.replica(**but).deps, BY_NAME[job])
        assert isinstance(ended, Run)
        return ended

    async def rows(self, statement: str, **values: Any) -> list[Any]:
        """What a statement finds, a tuple a row; or a value, where a row has one."""
        async with self.api.db.begin() as conn:
            result = await conn.execute(text(statement), values)
            found = [tuple(row) for row in result]
        return [row[0] if len(row) == 1 else row for row in found]

    async def do(self, statement: str, **values: Any) -> int:
        """Execute a statement, committed. Returns how many rows it touched."""
        async with self.api.db.begin() as conn:
            return (await conn.execute(text(statement), values)).rowcount

    async def partitions(self, table: str) -> list[str]:
        """The names of a table's partitions."""
        return await self.rows(
            "SELECT c.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
            "WHERE i.inhparent = cast(:table AS regclass) ORDER BY 1",
            table=table,
        )

    async def events(self, kind: str) -> Sequence[dict[str, Any]]:
        """The data of events of a type, in order."""
        return await self.rows(
            "SELECT payload FROM outbox WHERE type = :kind ORDER BY position", kind=kind
        )


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Return when something holds: asked again and again, for ten seconds at the most."""
    async with asyncio.timeout(10):
        while not await holds():
            await asyncio.sleep(0.005)


async def until_blocked_by(pid: int, db: Database) -> None:
    """Return when some session waits for a lock that this one holds."""

    async def blocked() -> bool:
        query = text(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE :pid = ANY(pg_blocking_pids(pid)) AND wait_event_type = 'Lock'"
        )
        async with db.begin() as conn:
            return bool((await conn.execute(query, {"pid": pid})).scalar_one())

    await until(blocked)
