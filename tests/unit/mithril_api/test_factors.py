"""What may be done to a second factor, and how its number is shown (spec §1.4)."""

import pytest

from services.mithril_api.domain.factors import (
    FactorAction,
    masked,
    refusal_of,
    told_as,
)
from services.mithril_api.domain.refusals import Reason


@pytest.mark.parametrize(
    ("action", "is_active", "refusal"),
    [
        (FactorAction.RESET, True, None),
        (FactorAction.RESET, False, Reason.NOT_FOUND),
        (FactorAction.RESET, None, Reason.NOT_FOUND),
        (FactorAction.DISABLE, True, None),
        (FactorAction.DISABLE, False, Reason.FACTOR_ALREADY_DISABLED),
        (FactorAction.DISABLE, None, Reason.NOT_FOUND),
        (FactorAction.ENABLE, False, None),
        (FactorAction.ENABLE, True, Reason.FACTOR_ALREADY_ENABLED),
        (FactorAction.ENABLE, None, Reason.NOT_FOUND),
    ],
)
def test_an_action_is_refused_where_it_makes_no_sense(
    action: FactorAction, is_active: bool | None, refusal: Reason | None
) -> None:
    assert refusal_of(action, is_active=is_active) == refusal


@pytest.mark.parametrize(
    ("action", "told"),
    [
        (FactorAction.RESET, "reset"),
        (FactorAction.DISABLE, "disabled"),
        (FactorAction.ENABLE, "enabled"),
    ],
)
def test_an_action_is_told_in_the_past_tense(action: FactorAction, told: str) -> None:
    assert told_as(action) == told


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        pytest.param("+380901234533", "+38090*****33", id="a phone number"),
        pytest.param("123456789", "123456*89", id="one character more than is shown"),
        pytest.param("12345678", "********", id="too short to show any of it"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_the_middle_of_a_number_is_masked(number: str, shown: str) -> None:
    assert masked(number) == shown
