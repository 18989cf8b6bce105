"""Proof Key for Code Exchange (RFC 7636), method S256 only: `plain` proves nothing."""

import hmac
import re
from base64 import urlsafe_b64encode
from hashlib import sha256

_VERIFIER = re.compile(r"^[A-Za-z0-9\-._~]{43,128}\Z")
CHALLENGE_PATTERN = r"^[A-Za-z0-9_-]{43}$"


def matches(challenge: str | None, verifier: str | None) -> bool:
    """Whether a verifier proves a challenge; without a challenge there is nothing to prove.

    A verifier for a code that had no challenge is refused (RFC 9700 §2.1.1: downgrade).
    """
    if challenge is None or verifier is None:
        return challenge is None and verifier is None
    if _VERIFIER.match(verifier) is None:
        return False
    made = urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return hmac.compare_digest(made, challenge)
