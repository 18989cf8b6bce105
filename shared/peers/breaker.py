"""A circuit breaker: a peer that is away is left alone for a while (fail fast)."""

from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class Breaker:
    """Opens after `tolerated` failures in a row; after `rest` seconds lets one trial through."""

    tolerated: int = 5
    rest: float = 2.0
    _failures: int = 0
    _opened_at: float | None = None
    _trying: bool = False

    def allows(self, now: float) -> bool:
        """Whether to ask. A yes after a rest is the one trial: say how it ended."""
        if self._opened_at is None:
            return True
        if self._trying or now < self._opened_at + self.rest:
            return False
        self._trying = True
        return True

    def failed(self, now: float) -> None:
        """No answer came."""
        self._failures += 1
        if self._trying or self._failures >= self.tolerated:
            self._opened_at = now
        self._trying = False

    def succeeded(self) -> None:
        """An answer came, whatever it said."""
        self._failures, self._opened_at, self._trying = 0, None, False

    def released(self) -> None:
        """Whoever asked went away before an answer: nothing is learnt."""
        self._trying = False
