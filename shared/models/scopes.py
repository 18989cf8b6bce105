"""Scopes: literal strings, compared whole, kept in the order they were given (spec §3.1)."""

from collections.abc import Iterable
from functools import lru_cache


@lru_cache(maxsize=8192)
def scope_set(scope: str) -> frozenset[str]:
    """The scopes of a space-separated list, as a set."""
    return frozenset(scope.split())


def scope_list(scope: str) -> list[str]:
    """The scopes of a space-separated list, in order, each once."""
    return list(dict.fromkeys(scope.split()))


def joined(scopes: Iterable[str]) -> str:
    """A space-separated list, as RFC 6749 §3.3 writes one."""
    return " ".join(scopes)


def narrowed(scopes: Iterable[str], *limits: frozenset[str]) -> list[str]:
    """Those of `scopes` that every limit allows, in their own order. Never widens."""
    return [s for s in scopes if all(s in limit for limit in limits)]


def merged(first: Iterable[str], second: Iterable[str]) -> list[str]:
    """`first`, then what only `second` has."""
    return list(dict.fromkeys([*first, *second]))
