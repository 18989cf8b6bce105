"""Ed25519 keys of checkpoints (RFC 8032)."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """Signs; its id and its public half may be shown to anyone."""

    key_id: str
    public: bytes
    _private: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def of(cls, hexadecimal: str) -> "SigningKey":
        """Read 32 bytes in hexadecimal; raise ValueError for anything else."""
        private = Ed25519PrivateKey.from_private_bytes(_bytes_of(hexadecimal))
        public = private.public_key().public_bytes_raw()
        return cls(key_id_of(public), public, private)

    def sign(self, message: bytes) -> bytes:
        """Give the 64-byte signature of a message."""
        return self._private.sign(message)


def key_id_of(public: bytes) -> str:
    """Name a public key: the first 16 hexadecimal digits of its SHA-256."""
    return hashlib.sha256(public).hexdigest()[:16]


def public_key(hexadecimal: str) -> bytes:
    """Read a public key; raise ValueError for what is none."""
    raw = _bytes_of(hexadecimal)
    Ed25519PublicKey.from_public_bytes(raw)
    return raw


def trusted(keys: Sequence[bytes]) -> dict[str, bytes]:
    """Public keys by their id."""
    return {key_id_of(key): key for key in keys}


def is_signed(
    message: bytes, signature: bytes, *, key_id: str, keys: Mapping[str, bytes]
) -> bool:
    """Whether a trusted key of that id made this signature."""
    if key_id not in keys:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(keys[key_id]).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _bytes_of(hexadecimal: str) -> bytes:
    raw = bytes.fromhex(hexadecimal.strip())
    if len(raw) != 32:
        raise ValueError("must be 32 bytes in hexadecimal")
    return raw
