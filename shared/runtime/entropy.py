"""The one place where a process throws dice."""

import secrets
from typing import Protocol
from uuid import UUID

from uuid_utils.compat import uuid7


class Entropy(Protocol):
    """What makes identifiers and secrets. Tests give one that counts."""

    def uuid(self) -> UUID:
        """A fresh identifier, UUIDv7 (RFC 9562 §5.7): later ones sort later."""
        ...

    def bits(self, count: int) -> int:
        """A uniformly random integer of `count` bits, fit for a secret."""
        ...

    def below(self, limit: int) -> int:
        """A uniformly random integer in `0 … limit - 1`, fit for a secret."""
        ...


class SystemEntropy:
    """The operating system's generator."""

    def uuid(self) -> UUID:
        """A fresh identifier, UUIDv7 (RFC 9562 §5.7)."""
        return uuid7()

    def bits(self, count: int) -> int:
        """A uniformly random integer of `count` bits."""
        return secrets.randbits(count)

    def below(self, limit: int) -> int:
        """A uniformly random integer in `0 … limit - 1`."""
        return secrets.randbelow(limit)
