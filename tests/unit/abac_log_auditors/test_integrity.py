"""Which numbers of a source never came."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from services.abac_log_consumer.domain.integrity import (
    GAPS_SHOWN,
    Bucket,
    gaps_of,
    highest_of,
)

SIZE = 8


@given(missing=st.sets(st.integers(1, 79)))
def test_gaps_are_exactly_the_numbers_that_were_not_seen(missing: set[int]) -> None:
    top = 80
    bits = ["0" if n in missing else "1" for n in range(1, top + 1)]
    spans = ["".join(bits[n : n + SIZE]) for n in range(0, top, SIZE)]
    rows = [Bucket(index=n, seen=seen) for n, seen in enumerate(spans) if "1" in seen]
    absent = [(n, n) for n, seen in enumerate(spans) if "1" not in seen]

    gaps = gaps_of([b for b in rows if "0" in b.seen], absent, size=SIZE, top=top)

    assert {n for first, last in gaps for n in range(first, last + 1)} == missing
    assert all(before[1] + 1 < after[0] for before, after in pairwise(gaps))
    assert highest_of(rows[-1], size=SIZE) == top


def test_no_more_gaps_are_shown_than_someone_would_read() -> None:
    buckets = [Bucket(index=n, seen="10101010") for n in range(60)]
    assert len(gaps_of(buckets, [], size=SIZE, top=60 * SIZE)) == GAPS_SHOWN


def test_what_is_above_the_highest_number_is_not_missing() -> None:
    assert gaps_of([Bucket(index=0, seen="10100000")], [], size=SIZE, top=3) == [(2, 2)]
