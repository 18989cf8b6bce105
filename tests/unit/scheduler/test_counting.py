"""The size of a partition is estimated from a few pages, and corrected by statistics."""

import pytest

from services.scheduler.domain.counting import Count, Sample, estimate


@pytest.mark.parametrize(
    ("statistics", "rows"),
    [
        pytest.param(1_000_000, 1_000_000, id="the statistics agree"),
        pytest.param(970_001, 970_001, id="they agree by a hair"),
        pytest.param(960_000, 1_000_000, id="they lag"),
        pytest.param(0, 1_000_000, id="they were lost"),
        pytest.param(1_100_000, 1_000_000, id="they are far off"),
    ],
)
def test_the_statistics_are_believed_where_the_sample_bears_them_out(
    statistics: int, rows: int
) -> None:
    sample = Sample(
        rows=2500, pages=100, pages_in_all=40_000, live_rows_by_statistics=statistics
    )
    assert estimate(sample) == Count(rows=rows, exact=False)


def test_a_sample_of_nothing_counts_nothing() -> None:
    sample = Sample(rows=0, pages=0, pages_in_all=40_000, live_rows_by_statistics=9)
    assert estimate(sample) == Count(rows=0, exact=False)
