"""Query parameters and cursors: what is taken, what is refused and how it is named."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.abac_log_consumer.domain import filters
from services.abac_log_consumer.domain.cursor import Place, cursor_of, place_of
from services.abac_log_consumer.domain.filters import Asked
from services.abac_log_consumer.domain.queries import Unfit, moment

SOMEONE = UUID("00000000-0000-4000-8000-000000000001")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)

moments = st.datetimes(
    min_value=datetime(1970, 1, 1),  # noqa: DTZ001 — hypothesis adds the zone
    max_value=datetime(2999, 12, 31),  # noqa: DTZ001
    timezones=st.just(UTC),
)
places = st.builds(Place, at=moments, id=st.uuids())


@given(place=places, query=st.dictionaries(st.text(max_size=5), st.text(max_size=5)))
def test_a_cursor_names_its_place_in_its_own_query(
    place: Place, query: dict[str, str]
) -> None:
    cursor = cursor_of(place, query=query)
    assert place_of(cursor, query=query) == place
    assert place_of(cursor, query={**query, "another": "filter"}) is None


@given(place=places, at=st.integers(0, 42), put=st.characters(codec="utf-8"))
def test_a_changed_cursor_names_nothing(place: Place, at: int, put: str) -> None:
    cursor = cursor_of(place, query={})
    changed = cursor[:at] + put + cursor[at + 1 :]
    assert place_of(changed, query={}) == (place if changed == cursor else None)


@given(pairs=st.lists(st.tuples(st.sampled_from(sorted(filters._DECISION)), st.text())))
def test_whatever_is_asked_there_is_an_answer(pairs: list[tuple[str, str]]) -> None:
    assert isinstance(filters.decisions(pairs), Asked | Unfit)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-03-01", NOON.replace(hour=0)),
        ("2026-03-01T12:00:00Z", NOON),
        ("2026-03-01T12:00:00", NOON),
        ("2026-03-01T14:00+02:00", NOON),
    ],
)
def test_a_moment_is_in_utc_unless_it_says_otherwise(text: str, meant: datetime) -> None:
    assert moment(text) == meant
    assert moment(text).tzinfo is UTC


def test_an_empty_value_is_no_filter_and_all_that_is_wrong_is_named() -> None:
    assert filters.decisions([("patient_id", ""), ("page_size", "")]) == Asked()
    read = filters.decisions(
        [("user_id", "x"), ("user_id", str(SOMEONE)), ("rule", "9"), ("result", "true")]
    )
    assert named(read) == ["$.user_id", "$.rule"]


def test_a_patients_own_list_is_of_that_patient_whatever_is_asked() -> None:
    read = filters.of_a_patient([("result", "false")], patient_id=SOMEONE)
    assert read == Asked(wanted={"result": False, "patient_id": SOMEONE})


@pytest.mark.parametrize(
    ("query", "since", "until"),
    [
        ({}, NOON - timedelta(days=30), NOON),
        ({"from": "2026-02-28T12:00Z"}, NOON - timedelta(days=1), NOON),
        ({"to": "2026-02-28T12:00Z"}, NOON - timedelta(days=31), NOON - timedelta(days=1)),
        ({"from": "2026-03-02T12:00Z"}, NOON + timedelta(days=1), NOON + timedelta(days=1)),
    ],
)
def test_a_summary_has_a_period_even_where_none_is_said(
    query: dict[str, str], since: datetime, until: datetime
) -> None:
    read = filters.summary(list(query.items()), now=NOON)
    assert isinstance(read, Asked)
    second = timedelta(0) if "to" in query else timedelta(seconds=1)  # `to` is not within
    if "from" in query:
        assert read.since == since
    else:
        assert read.since == since + second
    assert read.until == until + second


def test_a_summary_of_a_longer_period_is_refused() -> None:
    pairs = [("from", "2026-01-01"), ("to", "2026-04-04")]
    assert named(filters.summary(pairs, now=NOON)) == ["$.from", "$.to"]
    assert isinstance(filters.summary([pairs[0], ("to", "2026-04-03")], now=NOON), Asked)


def test_filters_are_said_without_what_was_not_asked() -> None:
    east = timezone(timedelta(hours=2))
    read = filters.decisions(
        [("action", "read"), ("from", NOON.astimezone(east).isoformat())]
    )
    assert isinstance(read, Asked)
    assert read.said() == {"action": "read", "from": NOON}


def named(read: Any) -> list[str]:
    assert isinstance(read, Unfit)
    return [field.entry for field in read.fields]
