"""How many rows a partition holds, when counting them all would cost as much as they are many."""

from dataclasses import dataclass

_AGREEMENT = 0.03


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """A number of rows, and whether it was counted or estimated."""

    rows: int
    exact: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The rows seen on some pages of a table, its size, and what the server's statistics say."""

    rows: int
    pages: int
    pages_in_all: int
    live_rows_by_statistics: int


def estimate(sample: Sample) -> Count:
    """The statistics' number where the sample bears it out, else the sample's own.

    The statistics count every insert and delete, but are lost in a crash and arrive late; the
    sample is never far off and never quite right.
    """
    sampled = round(sample.rows / max(1, sample.pages) * sample.pages_in_all)
    known = sample.live_rows_by_statistics
    agreed = abs(known - sampled) <= _AGREEMENT * sampled
    return Count(rows=known if agreed else sampled, exact=False)
