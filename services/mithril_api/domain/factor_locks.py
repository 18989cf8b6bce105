"""Who guesses codes waits, and then may go on: a lock that ends by itself (W20)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.mithril_api.domain.refusals import Reason, Refused

LONGEST = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Wrong codes since the last lock, and locks since the last right code."""

    errors: int = 0
    locks: int = 0
    locked_until: datetime | None = None


def after_wrong(tally: Tally, *, most: int, lasts: timedelta, now: datetime) -> Tally:
    """One more wrong code. Each lock lasts twice as long as the one before, up to a day.

    So whoever has a stolen password gets a handful of guesses a day, not thousands.
    """
    if tally.errors + 1 < most:
        return Tally(
            errors=tally.errors + 1, locks=tally.locks, locked_until=tally.locked_until
        )
    lock: timedelta = min(lasts * 2 ** min(tally.locks, 20), max(lasts, LONGEST))
    return Tally(errors=0, locks=tally.locks + 1, locked_until=now + lock)


def refusal(locked_until: datetime | None, *, now: datetime) -> Refused | None:
    """Why nothing goes on yet, in the contract's words for the lock it had."""
    if locked_until is None or locked_until <= now:
        return None
    return Refused(Reason.USER_BLOCKED, retry_after=seconds_until(locked_until, now=now))


def seconds_until(moment: datetime, *, now: datetime) -> int:
    """Whole seconds, at least one, after which a moment has come."""
    return max(1, -(-(moment - now) // timedelta(seconds=1)))
