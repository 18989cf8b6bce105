"""Codes of authenticator apps (RFC 6238): six digits, thirty seconds, SHA-1 as every app does."""

import base64
import hmac
from datetime import datetime

import pyotp

SECRET_BITS = 160  # RFC 4226 §4 R6
DIGITS = 6
_SECONDS = 30
_DRIFT = 1  # steps by which a clock may be off, either way (RFC 6238 §5.2)


def secret_text(secret: bytes) -> str:
    """The secret as a person may type it into an app."""
    return base64.b32encode(secret).decode()


def uri_of(secret: bytes, *, account: str, issuer: str) -> str:
    """The `otpauth://` address that a QR code holds."""
    totp = pyotp.TOTP(secret_text(secret), digits=DIGITS, interval=_SECONDS)
    return totp.provisioning_uri(name=account, issuer_name=issuer)


def accepted_step(
    secret: bytes, code: str, *, now: datetime, after: int | None
) -> int | None:
    """The time step that a code is of, if it may be accepted: each step serves once.

    A step not later than `after` is spent (RFC 6238 §5.2), so a code that was seen over a
    shoulder is worth nothing, nor is one when a clock has gone back.
    """
    totp = pyotp.TOTP(secret_text(secret), digits=DIGITS, interval=_SECONDS)
    present = int(now.timestamp()) // _SECONDS
    given = code.zfill(DIGITS).encode()
    accepted = None
    for step in range(present - _DRIFT, present + _DRIFT + 1):
        is_right = hmac.compare_digest(totp.generate_otp(step).encode(), given)
        if is_right and (after is None or step > after):
            accepted = step
    return accepted
