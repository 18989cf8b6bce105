"""Cron expressions mean what they mean to cron, and a tick is the same for every replica."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scheduler.domain.schedules import tick_at, trigger_of

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
GRACE = timedelta(minutes=5)


def days_of(expression: str) -> list[str]:
    """The days of one week on which an expression comes."""
    trigger, moment = trigger_of(expression), MONDAY
    found: list[str] = []
    while True:
        following = trigger.get_next_fire_time(None, moment)
        assert following is not None
        if following >= MONDAY + timedelta(weeks=1):
            return found
        found.append(f"{following:%a}".lower())
        moment = following + timedelta(minutes=1)


@pytest.mark.parametrize(
    ("field", "days"),
    [
        ("0", ["sun"]),
        ("7", ["sun"]),
        ("1", ["mon"]),
        ("1-5", ["mon", "tue", "wed", "thu", "fri"]),
        ("0-2", ["mon", "tue", "sun"]),
        ("5-7", ["fri", "sat", "sun"]),
        ("0,3", ["wed", "sun"]),
        ("*/2", ["tue", "thu", "sat", "sun"]),
        ("1/2", ["mon", "wed", "fri"]),
        ("1-6/3", ["mon", "thu"]),
        ("mon-wed", ["mon", "tue", "wed"]),
        ("*", ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]),
    ],
)
def test_days_of_the_week_are_counted_as_cron_counts_them(
    field: str, days: list[str]
) -> None:
    assert days_of(f"0 0 * * {field}") == days


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "* 24 * * *",
        "every night",
        "x * * * *",
        "* * * * 8",
        "* * * * 5-1",
        "0 0 30 2 *",
        "*/0 * * * *",
    ],
)
def test_what_is_no_schedule_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        trigger_of(expression)


def test_a_leap_day_comes() -> None:
    trigger = trigger_of("0 0 29 2 *")
    assert trigger.get_next_fire_time(None, MONDAY) == datetime(2028, 2, 29, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "tick"),
    [
        pytest.param(MONDAY, MONDAY, id="on the dot"),
        pytest.param(MONDAY + timedelta(seconds=59), MONDAY, id="late"),
        pytest.param(
            MONDAY - timedelta(microseconds=1),
            MONDAY - timedelta(minutes=5),
            id="just before",
        ),
    ],
)
def test_a_tick_is_the_latest_scheduled_moment(now: datetime, tick: datetime) -> None:
    assert tick_at(trigger_of("*/5 * * * *"), now, within=GRACE) == tick


def test_there_is_no_tick_where_none_was_scheduled_of_late() -> None:
    assert tick_at(trigger_of("0 12 * * *"), MONDAY, within=GRACE) is None


@given(seconds=st.floats(0, 59.999), other=st.floats(0, 59.999))
def test_replicas_that_wake_within_a_minute_agree_on_the_tick(
    seconds: float, other: float
) -> None:
    trigger = trigger_of("* 0-4 * * *")
    ticks = {
        tick_at(trigger, MONDAY + timedelta(seconds=late), within=GRACE)
        for late in (seconds, other)
    }
    assert ticks == {MONDAY}
