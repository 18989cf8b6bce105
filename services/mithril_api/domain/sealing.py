"""Secrets that must be read again, sealed with AES-256-GCM under keys of ours."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BITS = 96
_NONCE = NONCE_BITS // 8


@dataclass(frozen=True, slots=True)
class Unsealed:
    """What was sealed. One under a former key is to be sealed anew."""

    secret: bytes = field(repr=False)
    is_stale: bool


def seal(keys: Sequence[bytes], secret: bytes, *, nonce: int, owner: bytes) -> bytes:
    """Seal under the present key. It opens for this owner alone; no nonce serves twice."""
    prefix = nonce.to_bytes(_NONCE)
    return prefix + AESGCM(keys[0]).encrypt(prefix, secret, owner)


def unseal(keys: Sequence[bytes], sealed: bytes, *, owner: bytes) -> Unsealed | None:
    """Open with whichever key it was sealed under; none where no key of ours opens it."""
    for place, key in enumerate(keys):
        try:
            secret = AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], owner)
        except InvalidTag:
            continue
        return Unsealed(secret, is_stale=place > 0)
    return None
