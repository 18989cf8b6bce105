"""Second factors: of which kinds they are, what may be done to them, how a number is shown."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, NewType, assert_never
from uuid import UUID

from services.mithril_api.domain.refusals import Reason, Refused

FactorId = NewType("FactorId", UUID)

PHONE = r"^\+380[0-9]{9}$"  # as the contract tells it; here `$` is the very end
MOST_PASSKEYS = 20
_SHOWN_FIRST, _SHOWN_LAST = 6, 2


class FactorType(StrEnum):
    """How a user shows that it is they, beside a password. Asked for in this order."""

    SMS = "SMS"
    TOTP = "TOTP"
    WEBAUTHN = "WEBAUTHN"


ASKED_BY_CODE = frozenset({FactorType.SMS, FactorType.TOTP})


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveFactor:
    """A factor that counts at a sign-in. One that is not ready has yet to be set up."""

    id: FactorId
    kind: FactorType
    number: str | None = field(default=None, repr=False)
    name: str | None = None
    is_ready: bool = True


class FactorAction(StrEnum):
    """What an operator may do to a factor."""

    RESET = "reset"
    DISABLE = "disable"
    ENABLE = "enable"


def ready(factors: Sequence[ActiveFactor]) -> list[ActiveFactor]:
    """Those that may complete a sign-in, in the order in which they are asked for."""
    order = list(FactorType)
    found = [factor for factor in factors if factor.is_ready]
    return sorted(found, key=lambda factor: (order.index(factor.kind), factor.id))


def choose(
    factors: Sequence[ActiveFactor],
    *,
    kinds: Collection[FactorType],
    factor_id: FactorId | None = None,
) -> ActiveFactor | Refused:
    """The factor that an answer is about: the one named, else the one asked for first."""
    named = [item for item in factors if factor_id is None or item.id == factor_id]
    if not named:
        return Refused(Reason.FACTOR_UNKNOWN)
    fit = [item for item in ready(named) if item.kind in kinds]
    return fit[0] if fit else Refused(Reason.FACTOR_NOT_SET)


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
