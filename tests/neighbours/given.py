"""The rung of a server which someone else runs and tells of in the environment."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.neighbours.ladder import Offer, UnavailableError


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A server which is not ours to start or end."""

    address: str

    def close(self) -> None:
        """Leave it as it is."""


def given_by(variable: str) -> Callable[[], Offer[Given]]:
    """Take the server whose address is in this variable, if one is."""

    def rung() -> Offer[Given]:
        address = os.environ.get(variable)
        if not address:
            raise UnavailableError

        def take(_directory: Path) -> Given:
            return Given(address=address)

        return Offer(name=f"the one of {variable}", open=take)

    return rung
