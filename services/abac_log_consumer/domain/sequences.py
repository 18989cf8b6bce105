"""Which numbers of a source were seen: bit strings, so that their size does not grow with gaps.

A source numbers its events 1, 2, 3, … without gaps (decision D7). What is absent below the
highest number seen has not arrived: yet, if another partition is read first; or ever.
"""

from collections import defaultdict
from collections.abc import Iterable

from shared.models.schema.audit import BUCKET


def marks(sequences: Iterable[int]) -> dict[int, str]:
    """Bit strings by bucket in which the bits of these numbers are set."""
    found: dict[int, bytearray] = defaultdict(lambda: bytearray(b"0" * BUCKET))
    for sequence in sequences:
        bucket, place = divmod(sequence - 1, BUCKET)
        found[bucket][place] = 49  # "1"
    return {bucket: bits.decode() for bucket, bits in found.items()}
