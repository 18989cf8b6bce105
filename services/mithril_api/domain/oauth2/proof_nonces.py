"""Nonces for DPoP proofs (RFC 9449 §8): what shows that a proof was made just now.

A nonce is a digest of its time, so that every process knows those of every other one without
keeping any. It lives two and a half to five minutes.
"""

import base64
import hmac
from datetime import datetime

from services.mithril_api.domain.keys import Keyring

_PURPOSE = "DPoP nonce"
_SECONDS = 150
# The present one, the one before, and the next, of a process whose clock is fast.
_TAKEN = (0, -1, 1)


def issue(keyring: Keyring, *, now: datetime) -> str:
    """The nonce of this moment."""
    return _text(keyring.digest(_PURPOSE, str(_number(now))))


def is_known(keyring: Keyring, nonce: str, *, now: datetime) -> bool:
    """Whether a nonce is one of ours, and not stale."""
    number = _number(now)
    known = [
        _text(digest)
        for step in _TAKEN
        for digest in keyring.digests(_PURPOSE, str(number + step))
    ]
    given = nonce.encode("utf-8", "surrogatepass")
    return any(hmac.compare_digest(given, item.encode()) for item in known)


def _number(now: datetime) -> int:
    return int(now.timestamp()) // _SECONDS


def _text(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest[:24]).decode()
