"""How much of its quota a client has left, and how an answer says so (RateLimit headers)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services.mithril_api.domain.limits import Limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One request of a client whose requests are counted."""

    limit: Limit
    passes: bool
    settles_at: datetime

    def remaining(self, now: datetime) -> int:
        """How many more would pass now."""
        left = now + self.limit.slack - self.settles_at
        return max(0, math.floor(left / self.limit.interval) + 1)

    def resets_in(self, now: datetime) -> int:
        """Seconds until nothing is used up any more."""
        return max(0, math.ceil((self.settles_at - now).total_seconds()))

    def retry_after(self, now: datetime) -> int:
        """Seconds until one more passes."""
        wait = self.settles_at - self.limit.slack - now
        return max(1, math.ceil(wait.total_seconds()))


def headers(turn: Turn, *, now: datetime) -> Mapping[str, str]:
    """`RateLimit-Policy` and `RateLimit`, as the IETF's draft writes them."""
    limit = turn.limit
    made = {
        "RateLimit-Policy": f'"client";q={limit.count};w={limit.seconds}',
        "RateLimit": f'"client";r={turn.remaining(now)};t={turn.resets_in(now)}',
    }
    if not turn.passes:
        made["Retry-After"] = str(turn.retry_after(now))
    return made


def limit_of(quota: str | None, default: Limit | None) -> Limit | None:
    """A client's limit: its own, or the default; none: there is none."""
    if quota is None:
        return default
    try:
        return Limit.parse(quota)
    except ValueError:
        return default
