"""The search for what no index finds: which spans it reads, and when it ends."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.abac_log_consumer.actions.looking import FIRST_SPAN, LONGEST_SPAN, Found, look
from services.abac_log_consumer.domain.filters import Asked

OLDEST = datetime(2024, 1, 1, tzinfo=UTC)
NEWEST = datetime(2026, 11, 24, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)


class Log:
    """Answers spans, and lets as much time pass as a test says."""

    def __init__(self, moments: Sequence[datetime], *, takes: float) -> None:
        self.moments = moments
        self.takes = takes
        self.now = 0.0
        self.spans: list[tuple[datetime, datetime]] = []

    async def ask(self, asked: Asked, most: int) -> list[datetime]:
        assert asked.since is not None
        assert asked.until is not None
        self.spans.append((asked.since, asked.until))
        self.now += self.takes
        within = (item for item in self.moments if asked.since <= item < asked.until)
        return sorted(within, reverse=True)[:most]

    async def look(self, most: int = 3, **but: Any) -> Found[datetime]:
        return await look(
            self.ask, Asked(**but), oldest=OLDEST, newest=NEWEST, most=most,
            patience=5.0, clock=lambda: self.now,
        )  # fmt: skip


async def test_a_page_that_fills_early_reads_nothing_older() -> None:
    log = Log([NEWEST - timedelta(minutes=n) for n in range(5)] + [OLDEST], takes=0.0)

    found = await log.look(most=3)

    assert found.entries == log.moments[:3]
    assert log.spans == [(NEWEST + TICK - FIRST_SPAN, NEWEST + TICK)]


async def test_spans_grow_while_they_are_quick_and_leave_no_moment_out() -> None:
    log = Log([OLDEST, NEWEST], takes=0.0)

    found = await log.look(most=3)

    assert found == Found(entries=[NEWEST, OLDEST], reached=None)
    assert [start for start, _ in log.spans[:-1]] == [end for _, end in log.spans[1:]]
    lengths = [end - start for start, end in log.spans]
    assert lengths[:3] == [FIRST_SPAN, FIRST_SPAN * 2, FIRST_SPAN * 4]
    assert max(lengths) == LONGEST_SPAN
    assert log.spans[-1][0] == OLDEST


async def test_spans_shrink_while_they_are_slow() -> None:
    log = Log([], takes=1.5)

    await log.look()

    lengths = [end - start for start, end in log.spans]
    assert lengths[:3] == [FIRST_SPAN, FIRST_SPAN / 2, FIRST_SPAN / 4]


async def test_it_ends_between_spans_and_says_where() -> None:
    log = Log([NEWEST], takes=1.0)

    found = await log.look()

    assert found == Found(entries=[NEWEST], reached=log.spans[-1][0])
    assert len(log.spans) == 5


@pytest.mark.parametrize(
    ("since", "until"),
    [
        pytest.param(NEWEST + timedelta(days=1), None, id="after the newest"),
        pytest.param(None, OLDEST - timedelta(days=1), id="before the oldest"),
    ],
)
async def test_a_period_without_records_reads_nothing(
    since: datetime | None, until: datetime | None
) -> None:
    log = Log([], takes=0.0)

    found = await log.look(since=since, until=until)

    assert found == Found(entries=[], reached=None)
    assert log.spans == []
