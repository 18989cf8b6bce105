"""Which partition a moment falls into."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from shared.runtime.partitions import Unit, partition_of, partitions_between


@pytest.mark.parametrize(
    ("moment", "name", "end"),
    [
        (datetime(2026, 1, 1, tzinfo=UTC), "t_p20260101", datetime(2026, 2, 1, tzinfo=UTC)),
        (
            datetime(2026, 1, 31, 23, 59, 59, 999999, tzinfo=UTC),
            "t_p20260101",
            datetime(2026, 2, 1, tzinfo=UTC),
        ),
        (
            datetime(2028, 2, 29, tzinfo=UTC),
            "t_p20280201",
            datetime(2028, 3, 1, tzinfo=UTC),
        ),
        (
            datetime(2026, 4, 30, tzinfo=UTC),
            "t_p20260401",
            datetime(2026, 5, 1, tzinfo=UTC),
        ),
        (
            datetime(2026, 12, 24, tzinfo=UTC),
            "t_p20261201",
            datetime(2027, 1, 1, tzinfo=UTC),
        ),
        (
            datetime(2026, 3, 1, 1, tzinfo=timezone(timedelta(hours=2))),
            "t_p20260201",
            datetime(2026, 3, 1, tzinfo=UTC),
        ),
    ],
)
def test_a_month_begins_on_its_first_day_in_utc(
    moment: datetime, name: str, end: datetime
) -> None:
    found = partition_of("t", Unit.MONTH, moment)

    assert (found.name, found.end) == (name, end)


def test_months_follow_one_another_without_a_hole() -> None:
    first = datetime(2026, 1, 31, tzinfo=UTC)

    found = partitions_between("t", Unit.MONTH, first, first + timedelta(days=730))

    assert len(found) == 25
    assert [item.end for item in found[:-1]] == [item.start for item in found[1:]]
