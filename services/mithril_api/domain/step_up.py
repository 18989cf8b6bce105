"""How somebody proved who they are, and whether that is enough to change a factor (W11).

`amr` (RFC 8176) and `auth_time` of a sign-in are kept among the details of its tokens. A
token that an API client got has neither, so it never is enough.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from services.mithril_api.domain.bearers import is_session
from services.mithril_api.domain.factors import ActiveFactor, FactorType, ready
from services.mithril_api.domain.records import Token
from services.mithril_api.domain.refusals import Reason, Refused
from shared.models.tokens import TokenName

PASSWORD = "pwd"  # noqa: S105 — a method
_METHODS = {FactorType.SMS: "sms", FactorType.TOTP: "otp"}
_SECOND = frozenset({"sms", "otp", "hwk", "swk"})


def method_of(kind: FactorType, *, is_synced: bool = False) -> str:
    """The method that a factor is; a passkey that is synced is no hardware."""
    return _METHODS.get(kind) or ("swk" if is_synced else "hwk")


def details(methods: Iterable[str], *, now: datetime) -> dict[str, Any]:
    """What a sign-in leaves in its token."""
    return {"amr": sorted(set(methods)), "auth_time": int(now.timestamp())}


def methods_of(known: Mapping[str, Any]) -> list[str]:
    """The methods among a token's details; none where nobody wrote any."""
    found = known.get("amr")
    return [str(item) for item in found] if isinstance(found, list) else []


def judge(
    token: Token, factors: Sequence[ActiveFactor], *, within: timedelta, now: datetime
) -> Refused | None:
    """Whether the holder of a live token may add, change or remove a factor.

    A second-factor token was got with a password a moment ago: it serves to set up the
    first factor, and to go on with a change that began with enough.
    """
    wanted = _SECOND if ready(factors) else _SECOND | {PASSWORD}
    enough = bool(wanted.intersection(methods_of(token.details)))
    match token.name:
        case TokenName.SECOND_FACTOR if enough or not ready(factors):
            return None
        case TokenName.ACCESS:
            recent = is_session(token) and _is_recent(token, within=within, now=now)
            return None if enough and recent else Refused(Reason.STEP_UP_REQUIRED)
        case _:
            return Refused(Reason.TOKEN_INVALID_TYPE)


def _is_recent(token: Token, *, within: timedelta, now: datetime) -> bool:
    at = token.details.get("auth_time")
    return isinstance(at, int) and 0 <= now.timestamp() - at <= within.total_seconds()
