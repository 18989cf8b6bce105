"""When to try again what another system did not take."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Pauses between attempts: each twice the one before, up to the longest."""

    first: timedelta
    longest: timedelta
    give_up: timedelta  # after it, nobody is helped any more

    def next_attempt(self, attempts: int, *, now: datetime, lease: timedelta) -> datetime:
        """When to try again after so many attempts.

        Never before `lease` is over, in which whoever tries now has surely come to an end.
        """
        pause = min(self.first * (1 << min(attempts, 10)), self.longest)
        return now + max(pause, lease)

    def is_hopeless(self, since: datetime, *, now: datetime) -> bool:
        """Whether what failed again is not worth another try."""
        return now - since >= self.give_up
