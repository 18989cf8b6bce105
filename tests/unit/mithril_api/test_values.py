"""Token values (D5): they remember their day, tell whether they are whole, and fit the gateway."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.mithril_api.domain.values import (
    Foreign,
    Forged,
    Ours,
    compose,
    day_of,
    digest_of,
    shape_of,
)

MOMENTS = st.integers(0, 630 * 365 * 86_400).map(
    lambda seconds: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)
RANDOM = st.integers(0, 2**128 - 1)
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@given(expires_at=MOMENTS, random=RANDOM)
def test_a_value_fits_the_gateways_route_and_remembers_its_day(
    expires_at: datetime, random: int
) -> None:
    value = compose(expires_at=expires_at, random=random)

    assert re.fullmatch(r"[A-Za-z0-9]{32}", value)
    assert shape_of(value) == Ours(day_of(expires_at))
    assert day_of(expires_at) <= expires_at < day_of(expires_at) + timedelta(days=1)


@given(random=RANDOM, at=st.integers(3, 31), by=st.sampled_from("0Aaz"))
def test_a_value_with_one_character_changed_is_forged(
    random: int, at: int, by: str
) -> None:
    value = compose(expires_at=NOON, random=random)
    changed = value[:at] + by + value[at + 1 :]

    assert changed == value or shape_of(changed) == Forged()


@given(one=RANDOM, other=RANDOM)
def test_different_dice_make_different_values(one: int, other: int) -> None:
    values = {compose(expires_at=NOON, random=random) for random in (one, other)}

    assert len(values) == len({one, other})


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("", id="empty"),
        pytest.param("my-oauth-refresh-token", id="the documented example"),
        pytest.param("NHZTeGVmU0N4YlZKQlpqYjBUZz09" + "aa09", id="one of the original's"),
        pytest.param("mth" + "-" * 29, id="our mark before what is no code"),
        pytest.param("mth" + "a" * 28, id="our mark, too short"),
        pytest.param("mth" + "я" * 29, id="our mark before other letters"),
        pytest.param("\udce9" * 32, id="bytes that are no text"),
    ],
)
def test_what_does_not_claim_to_be_ours_is_foreign(value: str) -> None:
    assert shape_of(value) == Foreign()
    assert len(digest_of(value)) == 32


def test_a_random_part_that_does_not_fit_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        compose(expires_at=NOON, random=62**22)
