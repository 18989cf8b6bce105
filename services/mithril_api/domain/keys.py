"""Keyed digests: of client secrets, api-keys, one-time codes; derived successors (D3, D4)."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from services.mithril_api.domain import values


@dataclass(frozen=True, slots=True)
class Keyring:
    """Secret keys, the present one first; the others are still accepted while they rotate out.

    Each purpose has a key of its own, derived from the configured one, so that a digest made
    for one purpose says nothing in another.
    """

    _keys: tuple[bytes, ...] = field(repr=False)

    @classmethod
    def of(cls, secrets: Sequence[str]) -> "Keyring":
        """A keyring from configured secrets, the present one first."""
        if not secrets or any(len(secret) < 16 for secret in secrets):
            raise ValueError("at least one secret key of 16 characters or more is needed")
        if len(secrets) > 2:
            raise ValueError("at most two secret keys: the present and the former one")
        return cls(tuple(secret.encode() for secret in secrets))

    def digest(self, purpose: str, secret: str) -> bytes:
        """The digest to store."""
        return _mac(self._keys[0], purpose, secret)

    def digests(self, purpose: str, secret: str) -> list[bytes]:
        """Every digest under which the secret may be stored."""
        return [_mac(key, purpose, secret) for key in self._keys]

    def sealing_keys(self, purpose: str) -> list[bytes]:
        """Keys of 32 bytes to seal with, the present one first."""
        return [_derived(key, purpose) for key in self._keys]

    def successors(self, value: str, *, seed: str) -> list[int]:
        """The random parts that a rotated refresh token's successor may have, one a key.

        Derived from the predecessor's value, which only its holder has, and from a key, which
        only the server has: neither can print the successor alone, and the same request
        always gives the same one. `seed` is the successor's id.
        """
        macs = (_mac(key, "refresh successor", f"{seed} {value}") for key in self._keys)
        return [int.from_bytes(mac[: values.RANDOM_BITS // 8]) for mac in macs]

    def signing_keys(self, purpose: str) -> list[bytes]:
        """Keys for signatures of this purpose, the present one first (HS512: 64 bytes)."""
        return [hmac.digest(key, purpose.encode(), "sha512") for key in self._keys]


CONNECTION_SECRET = "connection secret"  # noqa: S105 — the name of a purpose
ONE_TIME_CODE = "one-time code"
TOTP_SECRET = "authenticator secret"  # noqa: S105 — the name of a purpose
RATE_LIMIT = "rate limit"
RECOVERY_LINK = "recovery link"
LOGIN_JWT = "login jwt"
SIGNING_KEY = "signing key"


def _mac(key: bytes, purpose: str, message: str) -> bytes:
    derived = _derived(key, purpose)
    return hmac.digest(derived, message.encode("utf-8", "surrogatepass"), "sha256")


@lru_cache(maxsize=32)
def _derived(key: bytes, purpose: str) -> bytes:
    return hmac.digest(key, purpose.encode(), "sha256")
