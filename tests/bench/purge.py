"""What purging costs: by dropping partitions, so not more for a million than for a few."""

from collections.abc import Awaitable, Callable

from tests.bench.load import Load
from tests.bench.targets import Target


async def measure(
    url: str, refreshing: Callable[[], Awaitable[Load]]
) -> list[tuple[Target, float, str]]:
    """The three lines of the table about purging."""
    return []
