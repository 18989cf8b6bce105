"""How whole the log is: its chains, and which numbers of each source never came (D12)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from services.abac_log_consumer.domain.chain import chain_id
from services.abac_log_consumer.domain.entries import Checkpoint

GAPS_SHOWN = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A chain's head, its last checkpoint, and how many records no checkpoint covers yet.

    `lag` counts records that wait in Kafka; only the replica that reads a partition knows.
    """

    topic: str
    partition: int
    records: int
    head_hash: bytes
    next_offset: int
    updated_at: datetime
    checkpoint: Checkpoint | None
    lag: int | None = None

    def rendered(self) -> dict[str, Any]:
        """As JSON; bytes in hexadecimal."""
        covered = 0 if self.checkpoint is None else self.checkpoint.sequence
        return {
            "chain": chain_id(self.topic, self.partition),
            "records": self.records,
            "head_hash": self.head_hash.hex(),
            "next_offset": self.next_offset,
            "updated_at": self.updated_at,
            "checkpoint": None if self.checkpoint is None else self.checkpoint.rendered(),
            "unsigned_records": self.records - covered,
            "lag": self.lag,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """Which of a span of numbers were seen: bit n stands for `index` × size + n + 1."""

    index: int
    seen: str  # of `0` and `1`


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What is known of a source's numbers, which have no gaps where it made them."""

    name: str
    highest: int
    seen: int
    gaps: Sequence[tuple[int, int]]  # from … to, both missing; the first ones

    def rendered(self) -> dict[str, Any]:
        """As JSON."""
        missing = self.highest - self.seen
        return {
            "source": self.name,
            "highest_sequence": self.highest,
            "records": self.seen,
            "missing": missing,
            "complete": missing == 0,
            "gaps": [{"from": first, "to": last} for first, last in self.gaps],
        }


def gaps_of(
    incomplete: Sequence[Bucket], absent: Sequence[tuple[int, int]], *, size: int, top: int
) -> list[tuple[int, int]]:
    """The first stretches of numbers up to `top` that were not seen, in order.

    `incomplete` are buckets with a bit unset; `absent` are stretches of buckets, from … to,
    of which nothing was seen at all.
    """
    holes = [(first * size + 1, (last + 1) * size) for first, last in absent]
    holes += [hole for bucket in incomplete for hole in _holes(bucket, size)]
    joined: list[tuple[int, int]] = []
    for first, last in sorted(hole for hole in holes if hole[0] <= top):
        if joined and joined[-1][1] + 1 == first:
            joined[-1] = (joined[-1][0], min(last, top))
        else:
            joined.append((first, min(last, top)))
    return joined[:GAPS_SHOWN]


def highest_of(bucket: Bucket, *, size: int) -> int:
    """The highest number seen in a bucket that has any."""
    return bucket.index * size + bucket.seen.rindex("1") + 1


def _holes(bucket: Bucket, size: int) -> Iterator[tuple[int, int]]:
    base = bucket.index * size
    ones = [n for n, bit in enumerate(bucket.seen, start=1) if bit == "1"]
    for before, after in pairwise([0, *ones, size + 1]):
        if after - before > 1:
            yield base + before + 1, base + after - 1
