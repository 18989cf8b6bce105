"""Second factors: of which kinds they are, and how a number is shown."""

from enum import StrEnum

PHONE = r"^\+380[0-9]{9}$"  # as the contract tells it; `$` also ends before a newline
_SHOWN_FIRST, _SHOWN_LAST = 6, 2


class FactorType(StrEnum):
    """What a one-time code is sent by."""

    SMS = "SMS"


def masked(number: str) -> str:
    """A number of which only the operator's code and the last digits can be read."""
    hidden = len(number) - _SHOWN_FIRST - _SHOWN_LAST
    if hidden <= 0:
        return "*" * len(number)
    return number[:_SHOWN_FIRST] + "*" * hidden + number[-_SHOWN_LAST:]
