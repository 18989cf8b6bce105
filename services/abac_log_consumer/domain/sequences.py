"""Which numbers of a source were seen: bit strings, so that their size does not grow with gaps.

A source numbers its events 1, 2, 3, … without gaps (decision D7). What is absent below the
highest number seen has not arrived: yet, if another partition is read first; or ever.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from shared.models.schema.audit import BUCKET


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Numbers `first … last` of a source have not arrived."""

    first: int
    last: int

    @property
    def size(self) -> int:
        """How many they are."""
        return self.last - self.first + 1


def marks(sequences: Iterable[int]) -> dict[int, str]:
    """Bit strings by bucket in which the bits of these numbers are set."""
    found: dict[int, bytearray] = defaultdict(lambda: bytearray(b"0" * BUCKET))
    for sequence in sequences:
        bucket, place = divmod(sequence - 1, BUCKET)
        found[bucket][place] = 49  # "1"
    return {bucket: bits.decode() for bucket, bits in found.items()}


def highest(buckets: Mapping[int, str]) -> int:
    """The highest number seen; 0: none."""
    if not buckets:
        return 0
    last = max(buckets)
    return last * BUCKET + buckets[last].rindex("1") + 1


def gaps(incomplete: Mapping[int, str], *, full: Iterable[int]) -> list[Gap]:
    """The holes below the highest number: of the buckets not full, and those not there."""
    there = set(full)
    if not incomplete and not there:
        return []
    last = max([*incomplete, *there])
    end = (last + 1) * BUCKET if last in there else highest({last: incomplete[last]})
    found: list[Gap] = []
    for bucket in sorted({*incomplete, *_absent(incomplete, there, last)}):
        bits = incomplete.get(bucket, "0" * BUCKET)
        found += _holes(bits, start=bucket * BUCKET + 1, end=end)
    return _joined(found)


def _absent(incomplete: Mapping[int, str], full: set[int], last: int) -> list[int]:
    if len(incomplete) + len(full) == last + 1:
        return []
    return [
        bucket for bucket in range(last) if bucket not in incomplete and bucket not in full
    ]


def _holes(bits: str, *, start: int, end: int) -> list[Gap]:
    found = []
    place = bits.find("0")
    while place != -1 and start + place <= end:
        close = bits.find("1", place)
        last = start + (len(bits) if close == -1 else close) - 1
        found.append(Gap(first=start + place, last=min(last, end)))
        place = -1 if close == -1 else bits.find("0", close)
    return found


def _joined(found: list[Gap]) -> list[Gap]:
    joined: list[Gap] = []
    for gap in found:
        if joined and joined[-1].last + 1 == gap.first:
            joined[-1] = Gap(first=joined[-1].first, last=gap.last)
        else:
            joined.append(gap)
    return joined
