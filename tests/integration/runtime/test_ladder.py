"""The ladder of neighbours takes the first rung that carries and says why."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.neighbours.ladder import Ladder, Offer, Rung, UnavailableError

_HERE = Path()


@dataclass(frozen=True, slots=True)
class Server:
    address: str

    def close(self) -> None:
        """Have nothing to end."""


def test_the_first_rung_which_carries_is_taken() -> None:
    ladder = Ladder("server", [_missing("no engine"), _running("a"), _running("b")])

    assert ladder.describe() == "server a, because no engine"
    assert ladder.open(_HERE) == Server("a")


def test_a_rung_which_breaks_when_stepped_on_is_passed_over_too() -> None:
    ladder = Ladder("server", [_breaking("a"), _running("b")])

    assert ladder.describe() == "server a"
    assert ladder.open(_HERE) == Server("b")
    assert ladder.describe() == "server b, because server a failed: no port"


def test_a_rung_no_one_asked_for_is_not_spoken_of() -> None:
    assert Ladder("server", [_missing(""), _running("a")]).describe() == "server a"


def test_no_rung_is_an_error_with_every_reason() -> None:
    ladder = Ladder("server", [_missing("no engine"), _breaking("a")])

    with pytest.raises(
        UnavailableError,
        match="no server to test against: no engine; server a failed: no port",
    ):
        ladder.open(_HERE)


def _missing(why: str) -> Rung[Server]:
    def rung() -> Offer[Server]:
        raise UnavailableError(why)

    return rung


def _running(address: str) -> Rung[Server]:
    return lambda: Offer(name=f"server {address}", open=lambda _directory: Server(address))


def _breaking(address: str) -> Rung[Server]:
    def run(_directory: Path) -> Server:
        raise RuntimeError("no port")

    return lambda: Offer(name=f"server {address}", open=run)
