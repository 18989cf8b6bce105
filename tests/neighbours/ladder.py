"""How a test session finds a neighbour: the first rung of a ladder which carries."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeAlias, TypeVar


class UnavailableError(Exception):
    """A rung does not carry here; the message says why, or is empty if no one asked."""


class Neighbour(Protocol):
    """A running server."""

    @property
    def address(self) -> str:
        """What a client needs: a URL, or `host:port`."""

    def close(self) -> None:
        """End it; what it holds is not needed any more."""


class Broker(Neighbour, Protocol):
    """A Kafka which may be taken away for a while.

    Between `stop` or `kill` and `start` it answers no client; then it is back at the
    same address with everything it had acknowledged.
    """

    def stop(self) -> None:
        """Take it away in order."""

    def kill(self) -> None:
        """Take it away as a crash would."""

    def start(self) -> None:
        """Bring it back and return when it answers."""


N_co = TypeVar("N_co", bound=Neighbour, covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer(Generic[N_co]):
    """A neighbour that can be had; `open` runs it, with a directory for its files."""

    name: str
    open: Callable[[Path], N_co]


Rung: TypeAlias = Callable[[], Offer[N_co]]


class Ladder(Generic[N_co]):
    """Rungs in order of preference; it never steps back up."""

    def __init__(self, what: str, rungs: Sequence[Rung[N_co]]) -> None:
        self._what = what
        self._rungs = list(rungs)
        self._offer: Offer[N_co] | None = None
        self._passed: list[str] = []

    def choose(self) -> Offer[N_co]:
        """Find the first rung which says it carries.

        Raises:
            UnavailableError: none does.
        """
        while self._offer is None:
            if not self._rungs:
                why = "; ".join(self._passed)
                raise UnavailableError(f"no {self._what} to test against: {why}")
            try:
                self._offer = self._rungs.pop(0)()
            except UnavailableError as missing:
                self._pass_over(str(missing))
        return self._offer

    def open(self, directory: Path) -> N_co:
        """Run the chosen neighbour; one that fails to start is passed over as well."""
        while True:
            offer = self.choose()
            try:
                return offer.open(directory)
            except (RuntimeError, OSError, TimeoutError) as failure:
                self._pass_over(f"{offer.name} failed: {failure}")
                self._offer = None

    def describe(self) -> str:
        """Name the choice and the reasons against the rungs before it."""
        name = self.choose().name
        return f"{name}, because {'; '.join(self._passed)}" if self._passed else name

    def _pass_over(self, why: str) -> None:
        if why:
            self._passed.append(why)
