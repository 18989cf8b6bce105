"""A device without a browser, and its user who answers elsewhere (RFC 8628)."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from services.mithril_api.domain.oauth2.faults import ErrorCode, Fault
from shared.models.ids import ClientId

LIVES = timedelta(minutes=10)
INTERVAL = 5  # seconds between two polls, to begin with
SLOWER = 5  # seconds more, whenever a device polls too soon (§3.5)
_EARLY = timedelta(seconds=1)  # by which the network may bring one poll nearer to the last
# No vowel, so that no word is made by chance, and nothing that is taken for something else
# (§6.1): 20⁸ codes are 34 bits, behind limits on guesses (§5.1).
_ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
_LENGTH = 8
CODES = len(_ALPHABET) ** _LENGTH
_CODE = re.compile(rf"[{_ALPHABET}]{{{_LENGTH}}}")
_BETWEEN = re.compile(r"[\s\-\u2010-\u2015]+")
# Letters of a Ukrainian keyboard, capital and small, that look like those of the alphabet.
_ALIKE = str.maketrans(
    {0x0412: "B", 0x0421: "C", 0x041D: "H", 0x041A: "K", 0x041C: "M"}
    | {0x0420: "P", 0x0422: "T", 0x0425: "X"}
    | {0x0432: "B", 0x0441: "C", 0x043D: "H", 0x043A: "K", 0x043C: "M"}
    | {0x0440: "P", 0x0442: "T", 0x0445: "X"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRequest:
    """What a device asks its user for."""

    scope: tuple[str, ...] = ()
    resource: tuple[str, ...] = ()
    issuer: str = ""
    dpop_jkt: str | None = None  # the key that its code is bound to, if it showed one

    def stored(self) -> dict[str, Any]:
        """As it is kept."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A request at rest that no user has allowed. Its codes are not here."""

    client_id: ClientId
    request: DeviceRequest
    interval: int
    polled_at: datetime | None = None
    denied_at: datetime | None = None
    expires_at: datetime

    def is_open(self, now: datetime) -> bool:
        """Whether a user may still answer it."""
        return self.denied_at is None and self.expires_at > now


@dataclass(frozen=True, slots=True, kw_only=True)
class Polled:
    """The device has to come again: what is kept of that, and what it is told."""

    kept: Waiting
    fault: Fault


Verdict: TypeAlias = Polled | Fault


def of_stored(parameters: Mapping[str, Any]) -> DeviceRequest:
    """A request as it was kept."""
    lists = {name: tuple(parameters.get(name, ())) for name in ("scope", "resource")}
    known = DeviceRequest.__dataclass_fields__
    kept = {name: value for name, value in parameters.items() if name in known}
    return DeviceRequest(**{**kept, **lists})


def judge(waiting: Waiting, *, client_id: ClientId, now: datetime) -> Verdict:
    """What a device is told that polls before its user has allowed anything (§3.5)."""
    if waiting.client_id != client_id:
        return Fault(ErrorCode.INVALID_GRANT, "the device code is of another client")
    if waiting.denied_at is not None:
        return Fault(ErrorCode.ACCESS_DENIED, "the user did not allow it")
    if waiting.expires_at <= now:
        return EXPIRED
    earliest = _earliest(waiting)
    if earliest is not None and now < earliest:
        slower = replace(waiting, interval=waiting.interval + SLOWER, polled_at=now)
        text = f"poll no sooner than {slower.interval} seconds after the last time"
        return Polled(kept=slower, fault=Fault(ErrorCode.SLOW_DOWN, text))
    fault = Fault(ErrorCode.AUTHORIZATION_PENDING, "the user has not answered so far")
    return Polled(kept=replace(waiting, polled_at=now), fault=fault)


EXPIRED = Fault(ErrorCode.EXPIRED_TOKEN, "the device code has expired")


def _earliest(waiting: Waiting) -> datetime | None:
    if waiting.polled_at is None:
        return None
    return waiting.polled_at + timedelta(seconds=waiting.interval) - _EARLY


def user_code(number: int) -> str:
    """The user code with this number below `CODES`, in letters alone."""
    letters = []
    for _ in range(_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[digit])
    return "".join(letters)


def shown(code: str) -> str:
    """A user code as people read it."""
    half = _LENGTH // 2
    return f"{code[:half]}-{code[half:]}"


def typed(text: str) -> str | None:
    """The user code that somebody typed, however they did; none: it cannot be one."""
    letters = _BETWEEN.sub("", text).translate(_ALIKE)
    # What becomes such a letter only by being made a capital is none.
    code = letters.upper() if letters.isascii() else ""
    return code if _CODE.fullmatch(code) else None
