"""The one place where a process reads the time."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What tells the time. Tests give one that stands still."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        return datetime.now(UTC)
