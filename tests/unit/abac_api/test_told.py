"""Which of two tellings is believed."""

import itertools
from datetime import timedelta
from uuid import UUID

import pytest

from services.abac_api.domain.told import Told, is_from_the_future, latest_of
from tests.integration.abac_api.telling import LATER, NOON, an_employee, told, withdrawn

JOB = an_employee()
LOW, HIGH = UUID(int=1), UUID(int=2)


@pytest.mark.parametrize(
    ("loser", "winner"),
    [
        pytest.param(told(JOB), told(JOB, at=LATER), id="the later event"),
        pytest.param(withdrawn(JOB), told(JOB, at=LATER), id="later than a withdrawal"),
        pytest.param(told(JOB), withdrawn(JOB, at=LATER), id="the later withdrawal"),
        pytest.param(
            told(JOB, event_id=UUID(int=2**128 - 1)),
            withdrawn(JOB),
            id="the withdrawal of one moment",
        ),
        pytest.param(
            told(JOB, event_id=LOW), told(JOB, event_id=HIGH), id="the greater event id"
        ),
    ],
)
def test_of_two_tellings_one_is_believed_in_any_order(loser: Told, winner: Told) -> None:
    for order in itertools.permutations([loser, winner]):
        assert latest_of(order) == [winner]


def test_things_do_not_outdo_one_another() -> None:
    both = [told(JOB, at=LATER), told(an_employee())]

    assert latest_of(both) == both


@pytest.mark.parametrize(
    ("ahead", "future"),
    [(timedelta(hours=1), False), (timedelta(hours=1, seconds=1), True)],
)
def test_a_clock_may_be_an_hour_ahead(ahead: timedelta, future: bool) -> None:
    assert is_from_the_future(told(JOB, at=NOON + ahead), now=NOON) is future
