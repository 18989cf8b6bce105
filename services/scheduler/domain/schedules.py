"""Cron expressions as operators write them: five fields, in UTC, Sunday is 0 and 7."""

import re
from datetime import UTC, datetime, timedelta

from apscheduler.triggers.cron import CronTrigger

_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_NUMBERS = re.compile(r"(?P<first>[0-7])(?:-(?P<last>[0-7]))?(?:/(?P<step>[1-9]\d*))?")
_EVERY = re.compile(r"\*/(?P<step>[1-9]\d*)")
_SOME_DAY = datetime(2024, 1, 1, tzinfo=UTC)  # before a leap day, so that one is found


def trigger_of(expression: str) -> CronTrigger:
    """The trigger that an expression describes.

    Raises:
        ValueError: it is not a cron expression, or describes a moment that never comes.
    """
    fields = expression.split()
    if len(fields) != 5:
        raise ValueError(
            f"a cron expression has 5 fields, `{expression}` has {len(fields)}"
        )
    fields[4] = ",".join(_named(part) for part in fields[4].split(","))
    trigger = CronTrigger.from_crontab(" ".join(fields), timezone=UTC)
    if trigger.get_next_fire_time(None, _SOME_DAY) is None:
        raise ValueError(f"`{expression}` describes a moment that never comes")
    return trigger


def _named(part: str) -> str:
    """Days of the week by name: APScheduler 3 counts them from Monday, cron from Sunday."""
    if every := _EVERY.fullmatch(part):
        return ",".join(_DAYS[:: int(every["step"])])
    numbers = _NUMBERS.fullmatch(part)
    if numbers is None:
        return part
    first, step = int(numbers["first"]), int(numbers["step"] or 1)
    open_end = 6 if numbers["step"] else first
    last = int(numbers["last"]) if numbers["last"] else open_end
    if last < first:
        raise ValueError(f"`{part}` ends before it begins")
    return ",".join(_DAYS[day % 7] for day in range(first, last + 1, step))


def tick_at(trigger: CronTrigger, now: datetime, *, within: timedelta) -> datetime | None:
    """The latest scheduled moment up to `now`: the same for every replica that woke for it."""
    found: datetime | None = None
    following: datetime | None = trigger.get_next_fire_time(None, now - within)
    while following is not None and following <= now:
        found = following
        following = trigger.get_next_fire_time(found, found + timedelta(microseconds=1))
    return found
