"""Look for records that no index finds: newest first, a span of time after another.

Each span is a statement of its own, so a page that fills early reads nothing older, and what
takes long ends between two spans: the page is then short, and its cursor goes on from there.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from services.abac_log_consumer.domain.filters import Asked

Entry = TypeVar("Entry")

FIRST_SPAN = timedelta(minutes=10)  # of a busy day that is some hundred thousand records
LONGEST_SPAN = timedelta(days=32)
_QUICK, _SLOW = 0.25, 1.0  # seconds of a span after which the next is longer, or shorter
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found(Generic[Entry]):
    """What was found; what is older than `reached` was not looked at, if that is said."""

    entries: list[Entry]
    reached: datetime | None


async def look(
    ask: Callable[[Asked, int], Awaitable[list[Entry]]],
    asked: Asked,
    *,
    oldest: datetime,
    newest: datetime,
    most: int,
    patience: float,
    clock: Callable[[], float],
) -> Found[Entry]:
    """At most `most` of what is asked for, from records between `oldest` and `newest`.

    `ask` answers one span. After `patience` seconds of `clock` no other one is begun.
    """
    started = moment = clock()
    lower = max(asked.since or oldest, oldest)
    upper = min(asked.until or newest + _TICK, newest + _TICK)
    if asked.after is not None:
        upper = min(upper, asked.after.at + _TICK)
    span, entries = FIRST_SPAN, list[Entry]()
    while lower < upper and len(entries) < most:
        start = max(lower, upper - span)
        within = replace(asked, since=start, until=upper)
        entries += await ask(within, most - len(entries))
        upper, before, moment = start, moment, clock()
        if moment - started >= patience:
            break
        span = _next(span, moment - before)
    is_all = upper <= lower and len(entries) < most
    return Found(entries=entries, reached=None if is_all else upper)


def _next(span: timedelta, took: float) -> timedelta:
    if took < _QUICK:
        return min(span * 2, LONGEST_SPAN)
    return max(span / 2, FIRST_SPAN / 10) if took > _SLOW else span
