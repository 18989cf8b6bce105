"""abac-api that decides and records nothing: only to measure what recording adds.

`python -m tests.bench.unrecorded abac-api serve`: no row, no relay to wake.
"""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from services.abac_api.store import decisions
from services.cli import cli
from shared.events.envelope import Message
from shared.runtime.relay import Relay


async def _forget(conn: AsyncConnection, messages: Sequence[Message]) -> None:
    pass


def _sleep_on(self: Relay) -> None:
    pass


if __name__ == "__main__":
    decisions.record = _forget
    Relay.wake = _sleep_on  # type: ignore[method-assign]
    cli()
