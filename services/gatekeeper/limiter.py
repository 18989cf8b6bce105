"""How often a token may use a route: counted in this process's memory, in fixed windows.

With several replicas each counts for itself, so that together they let through as many times
more: a limit guards the services behind, it is no quota.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence

from services.gatekeeper.domain.rules import Limit

_Window = tuple[int, list[int]]


class Limiter:
    """Counts by rule and digest; the least recently seen are forgotten first."""

    def __init__(self, *, most: int) -> None:
        self._most = most
        self._counts: OrderedDict[tuple[int, bytes], list[int]] = OrderedDict()

    def take(
        self, rule: int, credential: str, limits: Sequence[Limit], *, now: float
    ) -> tuple[bool, dict[str, str]]:
        """Count one request: whether it may go on, and the headers that say what is left.

        A request beyond a limit is not counted, so a window ends when it says.
        """
        digest = hashlib.md5(
            credential.encode("utf-8", "surrogateescape"), usedforsecurity=False
        ).digest()
        windows = [int(now) // limit.seconds for limit in limits]
        counts = self._counts.get((rule, digest))
        if counts is None:
            counts = [item for window in windows for item in (window, 0)]
            self._counts[rule, digest] = counts
            if len(self._counts) > self._most:
                self._counts.popitem(last=False)
        else:
            self._counts.move_to_end((rule, digest))
        for index, window in enumerate(windows):
            if counts[2 * index] != window:
                counts[2 * index], counts[2 * index + 1] = window, 0
        within = all(
            counts[2 * index + 1] < limit.most for index, limit in enumerate(limits)
        )
        headers: dict[str, str] = {}
        for index, limit in enumerate(limits):
            counts[2 * index + 1] += within
            left = limit.most - counts[2 * index + 1]
            headers[f"X-RateLimit-Limit-{limit.period}"] = str(limit.most)
            headers[f"X-RateLimit-Remaining-{limit.period}"] = str(max(0, left))
            if not within and left <= 0:
                after = limit.seconds - int(now) % limit.seconds
                headers["Retry-After"] = str(after)  # of the longest period that is full
        return within, headers
