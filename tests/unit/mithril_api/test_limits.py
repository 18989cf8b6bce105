"""How often something may be asked for."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.mithril_api.domain.limits import (
    Limit,
    after,
    holder_of_address,
    retry_after,
    wait,
)

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
THREE_A_MINUTE = Limit(3, 60)


def passed(limit: Limit, moments: list[datetime]) -> list[bool]:
    """Which of the requests made at these moments pass."""
    settles_at, verdicts = None, []
    for now in moments:
        verdicts.append(wait(settles_at, limit, now=now) == timedelta(0))
        if verdicts[-1]:
            settles_at = after(settles_at, limit, now=now)
    return verdicts


def test_so_many_pass_at_once_and_no_more() -> None:
    assert passed(THREE_A_MINUTE, [NOON] * 5) == [True, True, True, False, False]


def test_then_one_passes_as_it_is_earned() -> None:
    seconds = (0, 0, 0, 19, 20, 39, 40)
    moments = [NOON + timedelta(seconds=second) for second in seconds]

    assert passed(THREE_A_MINUTE, moments) == [True, True, True, False, True, False, True]


def test_who_waited_has_no_more_than_the_whole() -> None:
    moments = [NOON, *[NOON + timedelta(days=1)] * 4]

    assert passed(THREE_A_MINUTE, moments) == [True, True, True, True, False]


@given(
    st.integers(1, 20),
    st.integers(1, 100),
    st.lists(st.integers(0, 300_000), max_size=60),
)
def test_no_window_lets_more_pass_than_twice_the_limit(
    count: int, seconds: int, offsets: list[int]
) -> None:
    limit = Limit(count, seconds)
    moments = [NOON + timedelta(milliseconds=offset) for offset in sorted(offsets)]
    passing = [
        moment
        for moment, passes in zip(moments, passed(limit, moments), strict=True)
        if passes
    ]

    for start in passing:
        end = start + timedelta(seconds=seconds)
        assert sum(start <= moment < end for moment in passing) <= 2 * count


def test_whoever_comes_when_told_to_passes() -> None:
    settles_at = after(None, Limit(1, 7), now=NOON)

    seconds = retry_after(settles_at, Limit(1, 7), now=NOON + timedelta(seconds=0.5))

    assert seconds == 7
    later = NOON + timedelta(seconds=0.5 + seconds)
    assert wait(settles_at, Limit(1, 7), now=later) == timedelta(0)


def test_who_is_unknown_is_told_to_wait_a_second() -> None:
    assert retry_after(None, THREE_A_MINUTE, now=NOON) == 1


@pytest.mark.parametrize(
    ("text", "limit"),
    [("60/60", Limit(60, 60)), ("5/900", Limit(5, 900)), ("off", None)],
)
def test_a_limit_is_written_as_a_fraction(text: str, limit: Limit | None) -> None:
    assert Limit.parse(text) == limit


@pytest.mark.parametrize("text", ["", "0/60", "60/0", "60", "-1/60", "1/1s", "60/60\n"])
def test_what_is_no_limit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="COUNT/SECONDS"):
        Limit.parse(text)


@pytest.mark.parametrize(
    ("address", "holder"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("192.0.2.7:4711", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2:ffff::1]:443", "2001:db8:1:2::/64"),
        ("nonsense", "unknown"),
        ("", "unknown"),
    ],
)
def test_a_holder_of_an_address_is_known_by(address: str, holder: str) -> None:
    assert holder_of_address(address) == holder
