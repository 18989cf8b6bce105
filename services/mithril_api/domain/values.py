"""Token values: 32 letters and digits that say when they expire and whether they are whole (D5).

`mth` · three characters for the day of expiry · 22 that carry 128 random bits · four of
checksum. The day leads a look-up to one partition; the checksum refuses a mistyped or invented
value without asking the database. A JWT says when it expires as well: that leads to a
partition, and is believed no further. A value of any other shape was made elsewhere: it is
looked up by its digest alone. The original's values never begin with `m`.
"""

import base64
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TypeAlias

import orjson

MARK = "mth"
_LENGTH = 32
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_DIGIT = {character: number for number, character in enumerate(_ALPHABET)}
_DAY = slice(3, 6)
_BODY = slice(0, 28)
_CHECKSUM_SIZE = 4
_RANDOM_SIZE = 22
RANDOM_BITS = 128
_JWT = "eyJ"  # how every JSON object begins in base64
_LONGEST_JWT = 8192
_LAST_MOMENT = 1 << 35  # seconds; beyond is no date of a token
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Ours:
    """A value made here: it expires on the day that begins at `day`."""

    day: datetime


@dataclass(frozen=True, slots=True)
class Foreign:
    """A value made elsewhere, or given by an operator."""


@dataclass(frozen=True, slots=True)
class Forged:
    """A value in our format whose checksum is wrong: nobody ever had it from us."""


Shape: TypeAlias = Ours | Foreign | Forged

_FOREIGN = Foreign()
_FORGED = Forged()


def compose(*, expires_at: datetime, random: int) -> str:
    """The value of a token that expires then. `random` is an integer below 2¹²⁸."""
    body = MARK + base62(_day_number(expires_at), 3) + base62(random, _RANDOM_SIZE)
    return body + _checksum(body)


def shape_of(value: str) -> Shape:
    """What a value says of itself."""
    if value.startswith(_JWT):
        return _shape_of_jwt(value)
    if len(value) != _LENGTH or not value.startswith(MARK) or not _is_code(value):
        return _FOREIGN
    if _checksum(value[_BODY]) != value[_BODY.stop :]:
        return _FORGED
    return Ours(_EPOCH + timedelta(days=_decode(value[_DAY])))


def _shape_of_jwt(value: str) -> Shape:
    if len(value) > _LONGEST_JWT or value.count(".") != 2:
        return _FOREIGN
    body = value.split(".")[1]
    try:
        claims = orjson.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except ValueError:  # of either
        return _FOREIGN
    expires = claims.get("exp") if isinstance(claims, dict) else None
    if type(expires) is not int or not 0 <= expires < _LAST_MOMENT:
        return _FOREIGN
    return Ours(_EPOCH + timedelta(days=expires // 86_400))


def day_of(moment: datetime) -> datetime:
    """The beginning of the UTC day of a moment: what a value of ours remembers."""
    return _EPOCH + timedelta(days=_day_number(moment))


def digest_of(value: str) -> bytes:
    """What is kept of a value: SHA-256. It carries 128 random bits, so it needs no key (D4)."""
    return sha256(value.encode("utf-8", "surrogatepass")).digest()


def base62(number: int, width: int) -> str:
    """A number in digits and letters, filled up to a width."""
    characters = []
    for _ in range(width):
        number, digit = divmod(number, 62)
        characters.append(_ALPHABET[digit])
    if number:
        raise ValueError("number does not fit its width")
    return "".join(reversed(characters))


def _day_number(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(days=1)


def _checksum(body: str) -> str:
    return base62(zlib.crc32(body.encode()) % 62**_CHECKSUM_SIZE, _CHECKSUM_SIZE)


def _is_code(value: str) -> bool:
    return value.isascii() and value.isalnum()


def _decode(code: str) -> int:
    number = 0
    for character in code:
        number = number * 62 + _DIGIT[character]
    return number
