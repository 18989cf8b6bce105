"""What a change does to a list of scopes."""

import re
from dataclasses import dataclass

_SCOPE = re.compile(r"^[\x21\x23-\x5b\x5d-\x7e]+\Z")  # a scope token (RFC 6749 §3.3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Which scopes come, which go, which stay; each in alphabetical order."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    kept: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed)


def difference(before: str, after: str) -> Difference:
    """What becomes of a list that is written anew."""
    old, new = set(before.split()), set(after.split())
    return Difference(
        added=tuple(sorted(new - old)),
        removed=tuple(sorted(old - new)),
        kept=tuple(sorted(old & new)),
    )


def misspelt(scope: str) -> list[str]:
    """What of a list is no scope."""
    return [item for item in scope.split() if _SCOPE.match(item) is None]
