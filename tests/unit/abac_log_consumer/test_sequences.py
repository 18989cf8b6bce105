"""Numbers of a source as bits."""

from hypothesis import given
from hypothesis import strategies as st

from services.abac_log_consumer.domain.sequences import marks
from shared.models.schema.audit import BUCKET


def test_the_first_number_is_the_first_bit() -> None:
    assert marks([1, 3]) == {0: "101".ljust(BUCKET, "0")}


def test_a_bucket_ends_where_the_next_begins() -> None:
    assert marks([BUCKET, BUCKET + 1]) == {
        0: "1".rjust(BUCKET, "0"),
        1: "1".ljust(BUCKET, "0"),
    }


@given(st.sets(st.integers(min_value=1, max_value=10 * BUCKET)))
def test_what_was_marked_can_be_read_back(numbers: set[int]) -> None:
    assert numbers == {
        bucket * BUCKET + place + 1
        for bucket, bits in marks(numbers).items()
        for place, bit in enumerate(bits)
        if bit == "1"
    }
