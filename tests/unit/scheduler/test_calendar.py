"""Which partitions are wanted and which are doomed: every moment has exactly one."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scheduler.domain.calendar import (
    doomed,
    outbox_trimmed_before,
    tokens_purged_before,
    wanted_for_outbox,
    wanted_for_tokens,
)
from shared.runtime.partitions import Partition, Unit, partition_of

MOMENTS = st.integers(0, 4 * 10**15).map(
    lambda n: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=n)
)
SPANS = st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=400))
UNITS = st.sampled_from(Unit)
MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
WEEK = timedelta(weeks=1)
TICK = timedelta(microseconds=1)


def week(start: datetime) -> Partition:
    return Partition(table="tokens", start=start, end=start + WEEK)


def holders(partitions: Sequence[Partition], moment: datetime) -> list[Partition]:
    return [one for one in partitions if one.start <= moment < one.end]


@given(moment=MOMENTS, unit=UNITS)
def test_a_moment_is_in_its_partition_and_the_neighbours_adjoin(
    moment: datetime, unit: Unit
) -> None:
    own = partition_of("tokens", unit, moment)
    assert own.start <= moment < own.end
    assert partition_of("tokens", unit, own.end).start == own.end
    assert partition_of("tokens", unit, own.start - TICK).end == own.start
    assert partition_of("tokens", unit, own.start) == own
    assert partition_of("tokens", unit, own.end - TICK) == own


@given(moment=MOMENTS)
def test_weeks_begin_on_monday_at_midnight_utc(moment: datetime) -> None:
    start = partition_of("tokens", Unit.WEEK, moment).start
    midnight = (start.hour, start.minute, start.second, start.microsecond)
    assert (start.isoweekday(), midnight) == (1, (0, 0, 0, 0))


@pytest.mark.parametrize(
    ("moment", "name"),
    [
        (MONDAY, "tokens_p20261123"),
        (MONDAY - TICK, "tokens_p20261116"),
        (MONDAY + WEEK - TICK, "tokens_p20261123"),
        (datetime(2027, 1, 1, tzinfo=UTC), "tokens_p20261228"),
    ],
)
def test_a_token_that_expires_at_midnight_is_in_the_week_that_begins_then(
    moment: datetime, name: str
) -> None:
    assert partition_of("tokens", Unit.WEEK, moment).name == name


@given(now=MOMENTS, life=SPANS, share=st.floats(0, 1))
def test_every_moment_at_which_a_token_may_expire_has_exactly_one_partition(
    now: datetime, life: timedelta, share: float
) -> None:
    wanted = wanted_for_tokens(now, longest_life=life)
    expires_at = now + (life + 2 * WEEK) * share
    assert holders(wanted, expires_at) == [partition_of("tokens", Unit.WEEK, expires_at)]


@given(now=MOMENTS, share=st.floats(0, 1))
def test_every_moment_of_the_next_two_days_has_exactly_one_partition(
    now: datetime, share: float
) -> None:
    moment = now + timedelta(days=2) * share
    wanted = wanted_for_outbox(now)
    assert holders(wanted, moment) == [partition_of("outbox", Unit.DAY, moment)]
    assert len(wanted) == 3


@given(now=MOMENTS, kept_for=SPANS)
def test_what_is_doomed_expired_for_longer_than_it_is_kept(
    now: datetime, kept_for: timedelta
) -> None:
    before = tokens_purged_before(now, kept_for=kept_for)
    weeks = [partition_of("tokens", Unit.WEEK, before + n * WEEK) for n in range(-3, 3)]
    gone = doomed(weeks, before=before)
    assert all(one.end <= now - kept_for for one in gone)
    assert all(one.end > now - kept_for for one in weeks if one not in gone)


@given(now=MOMENTS, kept_for=SPANS, life=SPANS)
def test_nothing_wanted_is_ever_doomed(
    now: datetime, kept_for: timedelta, life: timedelta
) -> None:
    tokens = wanted_for_tokens(now, longest_life=life)
    outbox = wanted_for_outbox(now)
    assert doomed(tokens, before=tokens_purged_before(now, kept_for=kept_for)) == []
    assert doomed(outbox, before=outbox_trimmed_before(now, kept_for=kept_for)) == []


def test_a_week_is_doomed_on_the_dot() -> None:
    kept_for = timedelta(days=30)
    on_the_dot = MONDAY + WEEK + kept_for
    weeks = [week(MONDAY + WEEK), week(MONDAY)]
    for now, gone in ((on_the_dot, [week(MONDAY)]), (on_the_dot - TICK, [])):
        before = tokens_purged_before(now, kept_for=kept_for)
        assert doomed(weeks, before=before) == gone


def test_the_oldest_goes_first() -> None:
    weeks = [week(MONDAY), week(MONDAY - 2 * WEEK), week(MONDAY - WEEK)]
    assert doomed(weeks, before=MONDAY + WEEK) == sorted(weeks)
