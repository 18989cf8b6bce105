"""Fakes of the only two things that tests fake: time and chance."""

from datetime import UTC, datetime, timedelta


class SteppingClock:
    """Stands still until a test moves it.

    Starts at the real time, since the database has the partitions of the real calendar.
    """

    def __init__(self, now: datetime | None = None) -> None:
        self._now = now or datetime.now(UTC).replace(microsecond=0)

    def now(self) -> datetime:
        return self._now

    def advance(self, by: timedelta) -> None:
        """Let time pass."""
        self._now += by


class TickingClock(SteppingClock):
    """Goes on by itself: for tests with others, which read the machine's clock."""

    def __init__(self) -> None:
        self._made = datetime.now(UTC)
        super().__init__(self._made)

    def now(self) -> datetime:
        return super().now() + (datetime.now(UTC) - self._made)
