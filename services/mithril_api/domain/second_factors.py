"""A sign-in of which the second factor is pending, and a factor that is being set up."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from services.mithril_api.domain import factor_locks
from services.mithril_api.domain.factors import ActiveFactor, FactorType
from services.mithril_api.domain.records import Token
from services.mithril_api.domain.refusals import Reason, Refused
from services.mithril_api.domain.sign_in import CHANGE_PASSWORD_SCOPE, Grant
from shared.models.tokens import TokenName

# Details of a token that is on its way: none of them is ever shown.
SETUP_KIND = "request_authentication_factor_type"
SETUP_FACTOR = "request_authentication_factor"
SETUP_NAME = "request_authentication_factor_name"
CHALLENGE = "webauthn_challenge"
CHALLENGE_LIVES = timedelta(minutes=5)
_PASSING = frozenset({SETUP_KIND, SETUP_FACTOR, SETUP_NAME, CHALLENGE})
_HEX = re.compile(r"([0-9a-f]{2})+")
_DEFAULT_SCOPE = "app:authorize"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Who holds a bearer token, and how they stand. The rows are held."""

    token: Token | None
    user_exists: bool = False
    user_is_blocked: bool = False
    email: str = ""
    locked_until: datetime | None = None
    factors: tuple[ActiveFactor, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What is being set up: a number; or a sealed secret or a challenge, in hexadecimal."""

    kind: FactorType
    factor: str = field(repr=False)
    name: str | None = None


def judge_pending(standing: Standing, *, now: datetime) -> Token | Refused:
    """The second-factor token of a sign-in that may go on (spec §3.7, 2 to 5)."""
    token = standing.token
    if token is None:
        return Refused(Reason.TOKEN_INVALID)
    if (obstacle := _obstacle(standing, now=now)) is not None:
        return obstacle
    if token.name is not TokenName.SECOND_FACTOR:
        return Refused(Reason.TOKEN_NOT_OF_SECOND_FACTOR)
    if token.used_at is not None or not token.is_live(now):
        return Refused(Reason.TOKEN_EXPIRED)
    return token


def judge_setting_up(standing: Standing, *, now: datetime) -> Token | Refused:
    """The token of someone who may have a factor set up, whatever its kind (spec §1.3 O5)."""
    token = _live(standing.token, now=now)
    return token if isinstance(token, Refused) else _obstacle(standing, now=now) or token


def judge_approving(standing: Standing, *, now: datetime) -> tuple[Token, Setup] | Refused:
    """The token of someone who is setting a factor up, and which (spec §1.3 O6)."""
    token = _live(standing.token, now=now)
    if isinstance(token, Refused):
        return token
    setup = setup_of(token)
    if isinstance(setup, Refused):
        return setup
    return _obstacle(standing, now=now) or (token, setup)


def _live(token: Token | None, *, now: datetime) -> Token | Refused:
    if token is None:
        return Refused(Reason.TOKEN_INVALID)
    if token.used_at is not None or not token.is_live(now):
        return Refused(Reason.TOKEN_EXPIRED)
    return token


def challenged(token: Token, challenge: bytes, *, now: datetime) -> dict[str, Any]:
    """The details of a token whose holder was asked for a passkey; the latest question counts."""
    ends = int((now + CHALLENGE_LIVES).timestamp())
    return {**token.details, CHALLENGE: f"{challenge.hex()} {ends}"}


def challenge_of(token: Token, *, now: datetime) -> bytes | None:
    """What the holder of a token was asked to sign, if it may still be answered."""
    challenge, _, ends = str(token.details.get(CHALLENGE, "")).partition(" ")
    if not ends or int(ends) <= now.timestamp():
        return None
    return bytes.fromhex(challenge)


def setup_of(token: Token) -> Setup | Refused:
    """What the holder of a token is setting up (spec §1.3 O6)."""
    details = token.details
    kind, factor = details.get(SETUP_KIND), details.get(SETUP_FACTOR)
    known = isinstance(kind, str) and kind in set(FactorType) and isinstance(factor, str)
    if token.name is not TokenName.SECOND_FACTOR or not known:
        return Refused(Reason.SETUP_MISSING)
    setup = Setup(
        kind=FactorType(str(kind)), factor=str(factor), name=details.get(SETUP_NAME) or None
    )
    # An operator may have given a token with whatever details.
    is_hex = _HEX.fullmatch(setup.factor) is not None
    return (
        setup if setup.kind is FactorType.SMS or is_hex else Refused(Reason.SETUP_MISSING)
    )


def setting_up(token: Token, setup: Setup) -> dict[str, Any]:
    """The details of the token by which a setup is approved.

    A session's scope is what the session after it will have: setting up a factor never
    widens what a token may do (W11).
    """
    details = {**lasting(token.details), SETUP_KIND: setup.kind, SETUP_FACTOR: setup.factor}
    if setup.name is not None:
        details[SETUP_NAME] = setup.name
    if token.name is TokenName.ACCESS:
        details["scope_request"] = " ".join(token.scope)
    return details


def lasting(details: Mapping[str, Any]) -> dict[str, Any]:
    """What a token hands on to the one that takes its place."""
    return {name: item for name, item in details.items() if name not in _PASSING}


def final_kind(token: Token) -> tuple[TokenName, tuple[str, ...]]:
    """What a second-factor token turns into, and with which scope (spec §3.7, 8)."""
    asked = token.details.get("scope_request")
    if token.grant_type == Grant.CHANGE_PASSWORD:
        return TokenName.CHANGE_PASSWORD, (CHANGE_PASSWORD_SCOPE,)
    scope = _DEFAULT_SCOPE if asked is None else str(asked)
    return TokenName.ACCESS, tuple(scope.split())


def _obstacle(standing: Standing, *, now: datetime) -> Refused | None:
    if not standing.user_exists:
        return Refused(Reason.USER_UNKNOWN)
    if standing.user_is_blocked:
        return Refused(Reason.USER_BLOCKED)
    return factor_locks.refusal(standing.locked_until, now=now)
