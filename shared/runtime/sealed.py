"""Sealed values: what a browser keeps for us and can neither read, change nor use elsewhere.

AES-256-GCM under a key that is derived for one audience (a deployment) and one purpose, so
that a value made for one is noise to the other. The moment it ends is inside. Keys rotate:
the first seals, any of them opens.
"""

import base64
import binascii
import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shared.runtime.entropy import Entropy

_FORMAT = b"\x01"
_NONCE = 12
_MOMENT = 8
_LONGEST = 16_384
_BASE64URL = re.compile(r"^[A-Za-z0-9_-]+$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealer:
    """Seals and opens values for one audience. `Sealer.of` makes it from configured secrets."""

    audience: str
    entropy: Entropy
    keys: tuple[bytes, ...] = field(repr=False)

    @classmethod
    def of(cls, secrets: Sequence[str], *, audience: str, entropy: Entropy) -> "Sealer":
        """A sealer from configured secrets, the present one first."""
        if not secrets or any(len(secret) < 16 for secret in secrets):
            raise ValueError("at least one secret key of 16 characters or more is needed")
        keys = tuple(secret.encode() for secret in secrets)
        return cls(audience=audience, entropy=entropy, keys=keys)

    def seal(self, purpose: str, payload: bytes, *, expires_at: datetime) -> str:
        """The payload, sealed until `expires_at`: base64url text, fit for a cookie."""
        nonce = self.entropy.bits(8 * _NONCE).to_bytes(_NONCE)
        moment = int(expires_at.timestamp()).to_bytes(_MOMENT)
        cipher = _cipher(self.keys[0], self.audience, purpose)
        body = cipher.encrypt(nonce, moment + payload, _FORMAT)
        return base64.urlsafe_b64encode(_FORMAT + nonce + body).rstrip(b"=").decode()

    def open(self, purpose: str, sealed: str, *, now: datetime) -> bytes | None:
        """The payload; none where it is not ours, not for this purpose, changed, or ended."""
        raw = _bytes_of(sealed)
        if raw is None or raw[:1] != _FORMAT:
            return None
        nonce, body = raw[1 : 1 + _NONCE], raw[1 + _NONCE :]
        for key in self.keys:
            try:
                plain = _cipher(key, self.audience, purpose).decrypt(nonce, body, _FORMAT)
            except (InvalidTag, ValueError):  # the latter: shorter than a nonce and a tag
                continue
            ends = int.from_bytes(plain[:_MOMENT])
            return plain[_MOMENT:] if now.timestamp() < ends else None
        return None


def _bytes_of(sealed: str) -> bytes | None:
    if len(sealed) > _LONGEST or _BASE64URL.match(sealed) is None:
        return None
    try:
        return base64.urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))
    except binascii.Error:
        return None


@functools.lru_cache(maxsize=64)
def _cipher(key: bytes, audience: str, purpose: str) -> AESGCM:
    info = f"mithril sealed value\0{audience}\0{purpose}".encode()
    return AESGCM(HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(key))
