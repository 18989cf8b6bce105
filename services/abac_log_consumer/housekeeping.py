"""What the audit log needs from time to time: its partitions, and gauges of its wholeness."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import asyncpg
from sqlalchemy.exc import SQLAlchemyError

from services.abac_log_consumer.actions.make_partitions import make_partitions
from services.abac_log_consumer.deps import Deps
from services.abac_log_consumer.settings import Settings
from services.abac_log_consumer.store import checkpoints, integrity
from shared.runtime import logging
from shared.runtime.clock import Clock
from shared.runtime.postgres import Database, DatabaseUnavailableError, connect, driver_of
from shared.runtime.upkeep import OutboxUpkeep

_log = logging.get("housekeeping")
_ROUND_SECONDS = 30.0
_HOUR = 3600.0


class Housekeeping:
    """Looks after the tables while the process runs; what fails is tried the next time."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._partitions_at = -_HOUR

    async def run(self, stop: asyncio.Event) -> None:
        """One round after another, until `stop`."""
        while not stop.is_set():
            try:
                await self.round()
            except (
                DatabaseUnavailableError,
                asyncpg.PostgresError,
                SQLAlchemyError,
            ) as error:
                text = (str(error) or type(error).__name__).splitlines()[0][:300]
                _log.warning("housekeeping failed", error=text)
            with suppress(TimeoutError):
                async with asyncio.timeout(_ROUND_SECONDS):
                    await stop.wait()

    async def round(self) -> None:
        """Set the gauges; every hour, look after the partitions."""
        await self._measure()
        moment = asyncio.get_running_loop().time()
        if moment - self._partitions_at >= _HOUR:
            made = await keep_partitions(self._deps.settings, self._deps.clock)
            self._partitions_at = moment
            if made:
                _log.info("partitions made", names=made)

    async def _measure(self) -> None:
        metrics = self._deps.metrics
        async with self._deps.db.read() as conn:
            for source in await integrity.sources(conn):
                metrics.missing.labels(source.name).set(source.highest - source.seen)
            since = await checkpoints.unsigned_since(driver_of(conn))
        now = self._deps.clock.now()
        age = 0.0 if since is None else max(0.0, (now - since).total_seconds())
        metrics.unsigned.set(age)


async def keep_partitions(settings: Settings, clock: Clock) -> list[str]:
    """Make the coming months, and the outbox's days, whose old ones go; the months' names.

    By a connection of the owner, which is there no longer than it takes: what the process
    itself works as, the role of `MITHRIL_AUDIT_DB_ROLE`, may change no table.
    """
    owner = owner_of(settings)
    kept_for = timedelta(days=settings.outbox_retention_days)
    try:
        made = await make_partitions(owner, now=clock.now())
        await OutboxUpkeep(owner, clock=clock, kept_for=kept_for).round()
    finally:
        await owner.dispose()
    return made


def owner_of(settings: Settings) -> Database:
    """The database as its owner: the login itself, without the lesser role."""
    return connect(
        settings.database_url.get_secret_value(),
        pool_size=1,
        application="abac-log-consumer housekeeping",
        statement_timeout_ms=60_000,
    )
