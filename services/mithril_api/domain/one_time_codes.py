"""Codes that are sent: how they are made, and what an answer to one is worth (spec §3.8)."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.mithril_api.domain.factors import masked
from services.mithril_api.domain.refusals import Reason
from shared.models.ids import TokenId

_PLACE = "<otp.code>"
_BETWEEN = "==="


class Status(StrEnum):
    """What became of a code."""

    NEW = "NEW"
    VERIFIED = "VERIFIED"
    UNVERIFIED = "UNVERIFIED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    COMPLETED = "COMPLETED"  # never given here; a code moved in may have it


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A code at rest: only its digest."""

    id: UUID
    digest: bytes = field(repr=False)
    status: Status
    attempts: int
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a code is after an answer to it. No reason: the answer is right."""

    status: Status
    attempts: int
    reason: Reason | None


def key_of(token_id: TokenId, number: str) -> str:
    """What a code is bound to: one pending sign-in, one number."""
    return f"{token_id}{_BETWEEN}{number}"


def shown_key(key: str) -> str:
    """A key without the number in it."""
    whose, between, number = key.rpartition(_BETWEEN)
    return whose + between + masked(number)


def code_of(number: int, length: int) -> str:
    """A random number below 10 to the power of `length`, as a code."""
    return str(number).zfill(length)


def message_of(template: str, code: str) -> str:
    """What the SMS says; without a place in the template, the bare code."""
    return template.replace(_PLACE, code) if _PLACE in template else code


def judge(code: Code | None, *, is_right: bool, most: int, now: datetime) -> Judged:
    """What an answer is worth. `code` is the latest of its key, its row held."""
    if code is None:
        return Judged(status=Status.EXPIRED, attempts=0, reason=Reason.OTP_EXPIRED)
    status, attempts = code.status, code.attempts
    if status is Status.UNVERIFIED:
        return Judged(status=status, attempts=attempts, reason=Reason.OTP_ATTEMPTS)
    if status is not Status.NEW:
        return Judged(status=status, attempts=attempts, reason=Reason.OTP_EXPIRED)
    if code.expires_at is None or code.expires_at <= now:
        return Judged(status=Status.EXPIRED, attempts=attempts, reason=Reason.OTP_EXPIRED)
    if attempts >= most:
        return Judged(
            status=Status.UNVERIFIED, attempts=attempts, reason=Reason.OTP_ATTEMPTS
        )
    if not is_right:
        return Judged(status=status, attempts=attempts + 1, reason=Reason.OTP_INVALID)
    return Judged(status=Status.VERIFIED, attempts=attempts, reason=None)
