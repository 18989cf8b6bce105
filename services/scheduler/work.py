"""What a job is, and what it is given to tell its progress."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from apscheduler.triggers.cron import CronTrigger

from services.scheduler.deps import Deps
from services.scheduler.domain.schedules import trigger_of
from services.scheduler.settings import Settings
from shared.events.envelope import Event, Message


class StopRequestedError(Exception):
    """The process is ending; what was committed stays, the next run does the rest."""


@dataclass(slots=True, kw_only=True)
class Progress:
    """What a run did so far: true even when it fails, since each batch commits."""

    run_id: UUID
    stop: asyncio.Event
    affected: int = 0
    details: dict[str, Any] = field(default_factory=dict)

    def checkpoint(self) -> None:
        """Say that nothing is half done: here the run ends if the process is ending.

        Raises:
            StopRequestedError: it is.
        """
        if self.stop.is_set():
            raise StopRequestedError

    async def pause(self, seconds: float) -> None:
        """Wait, but not when the process is ending."""
        try:
            async with asyncio.timeout(seconds):
                await self.stop.wait()
        except TimeoutError:
            return
        self.checkpoint()


Work = Callable[[Deps, Progress], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Timed work. `schedule` and `kept_for` name fields of the settings.

    `schedule` holds a cron expression; `kept_for`, where something is kept before it goes,
    a number of days.
    """

    name: str
    schedule: str
    what: str
    kept_for: str | None
    reason: str
    counts: str  # what the number of a run's row counts
    work: Work

    def expression(self, settings: Settings) -> str:
        """When it runs, as a cron expression in UTC."""
        return str(getattr(settings, self.schedule))

    def trigger(self, settings: Settings) -> CronTrigger:
        """When it runs, as APScheduler takes it."""
        return trigger_of(self.expression(settings))


def message(deps: Deps, event: Event, *, at: datetime) -> Message:
    """An event with an id of its own."""
    return Message(id=deps.entropy.uuid(), at=at, event=event)
