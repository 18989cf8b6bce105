"""Requests of clients that this process has counted ahead, so that most need no statement.

A thousandth of a limit is taken at a time, and given out from memory; of a small limit that is
one, so it is as exact as without. What is taken is counted, used or not: never do more pass
than may, over all replicas together.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.mithril_api.domain.limits import Limit

_SHARE = 1000
_MOST = 10_000  # holders remembered; then those whose time is over are forgotten


@dataclass(slots=True)
class _Lease:
    left: int
    settles_at: datetime
    until: datetime


class QuotaLeases:
    """What is left of what was taken, by holder."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, Limit], _Lease] = {}

    def take(
        self, holder: str, limit: Limit, many: int, *, now: datetime
    ) -> tuple[int, datetime]:
        """How many of so many are covered, and the moment the holder is left with then."""
        lease = self._held.get((holder, limit))
        if lease is None or lease.until <= now:
            return 0, now
        covered = min(many, lease.left)
        lease.left -= covered
        return covered, lease.settles_at - limit.interval * lease.left

    def keep(
        self, holder: str, limit: Limit, left: int, *, settles_at: datetime, now: datetime
    ) -> None:
        """Remember what was taken and is not needed yet."""
        if len(self._held) >= _MOST:
            self._held = {
                key: lease for key, lease in self._held.items() if lease.until > now
            }
        until = now + timedelta(seconds=limit.seconds)
        self._held[holder, limit] = _Lease(left, settles_at, until)


def ahead(limit: Limit) -> int:
    """How many to take beyond what is needed."""
    return limit.count // _SHARE
