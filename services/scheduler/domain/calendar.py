"""Which partitions must be there and which may go, at a given moment.

Tokens are kept by the ISO week they expire in, events of the outbox by the day they happened;
both in UTC, weeks from Monday 00:00. A moment on the edge belongs to the later partition.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from shared.runtime.partitions import Partition, Unit, partition_of, partitions_between

TOKENS = "tokens"
OUTBOX = "outbox"
_SPARE_FOR_TOKENS = timedelta(weeks=2)
_SPARE_FOR_OUTBOX = timedelta(days=2)


def wanted_for_tokens(now: datetime, *, longest_life: timedelta) -> list[Partition]:
    """The weeks in which a token made within the next two weeks may expire."""
    last = now + longest_life + _SPARE_FOR_TOKENS
    return partitions_between(TOKENS, Unit.WEEK, now, last)


def wanted_for_outbox(now: datetime) -> list[Partition]:
    """Today and the next two days."""
    return partitions_between(OUTBOX, Unit.DAY, now, now + _SPARE_FOR_OUTBOX)


def tokens_purged_before(now: datetime, *, kept_for: timedelta) -> datetime:
    """Tokens that expired before this may go: the start of the week of `now - kept_for`.

    Never inside a week, so that purging is dropping; a token is kept up to a week longer.
    """
    return partition_of(TOKENS, Unit.WEEK, now - kept_for).start


def outbox_trimmed_before(now: datetime, *, kept_for: timedelta) -> datetime:
    """Events that happened before this may go: the start of the day of `now - kept_for`."""
    return partition_of(OUTBOX, Unit.DAY, now - kept_for).start


def doomed(existing: Sequence[Partition], *, before: datetime) -> list[Partition]:
    """The partitions whose whole span ended by then, oldest first."""
    return sorted(partition for partition in existing if partition.end <= before)
