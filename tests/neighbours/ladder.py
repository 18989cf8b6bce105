"""How a test session finds a neighbour: the first rung of a ladder that carries."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class Unavailable(Exception):  # noqa: N818  (a rung's answer, not a fault)
    """This rung does not carry here; the message says why."""


class Neighbour(Protocol):
    """A running server."""

    @property
    def address(self) -> str:
        """What a client needs: a URL, or `host:port`."""

    def close(self) -> None:
        """End it; what it holds is not needed any more."""


class Broker(Neighbour, Protocol):
    """A Kafka of one's own, which may be taken away for a while.

    Between `stop` or `kill` and `start` no client is answered; then it is back at the
    same address with everything it had acknowledged.
    """

    def stop(self) -> None:
        """Take it away in order."""

    def kill(self) -> None:
        """Take it away as a crash would."""

    def start(self) -> None:
        """Bring it back and return when it answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer[N: Neighbour]:
    """A neighbour that can be had, and how."""

    name: str
    open: Callable[[Path], N]
