"""Second factors: of which kinds they are, what may be done to them, how a number is shown."""

from enum import StrEnum
from typing import Literal, assert_never

from services.mithril_api.domain.refusals import Reason

PHONE = r"^\+380[0-9]{9}$"  # as the contract tells it; here `$` is the very end
_SHOWN_FIRST, _SHOWN_LAST = 6, 2


class FactorType(StrEnum):
    """What a one-time code is sent by."""

    SMS = "SMS"


class FactorAction(StrEnum):
    """What an operator may do to a factor."""

    RESET = "reset"
    DISABLE = "disable"
    ENABLE = "enable"


def refusal_of(action: FactorAction, *, is_active: bool | None) -> Reason | None:
    """Why an action may not be done to a factor; `is_active` is none where there is none."""
    if is_active is None:
        return Reason.NOT_FOUND
    match action:
        case FactorAction.RESET:
            return None if is_active else Reason.NOT_FOUND
        case FactorAction.DISABLE:
            return None if is_active else Reason.FACTOR_ALREADY_DISABLED
        case FactorAction.ENABLE:
            return Reason.FACTOR_ALREADY_ENABLED if is_active else None
        case _:
            assert_never(action)


def told_as(action: FactorAction) -> Literal["reset", "disabled", "enabled"]:
    """The action in the past tense of events."""
    match action:
        case FactorAction.RESET:
            return "reset"
        case FactorAction.DISABLE:
            return "disabled"
        case FactorAction.ENABLE:
            return "enabled"
        case _:
            assert_never(action)


def masked(number: str) -> str:
    """A number of which only the operator's code and the last digits can be read."""
    hidden = len(number) - _SHOWN_FIRST - _SHOWN_LAST
    if hidden <= 0:
        return "*" * len(number)
    return number[:_SHOWN_FIRST] + "*" * hidden + number[-_SHOWN_LAST:]
