"""How single values of the original are read: texts, moments, scopes, settings, addresses."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import orjson

from services.mithril_api.domain.legacy.findings import Kind
from shared.models.scopes import scope_list

_SCOPE = re.compile(r"[a-z0-9_.-]+:[a-z0-9_*.-]+", re.IGNORECASE)
_BCRYPT = re.compile(r"\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}")


def moment(naive: datetime) -> datetime:
    """A timestamp of the original: it has no zone and means UTC."""
    return naive.replace(tzinfo=UTC)


@lru_cache(maxsize=8192)
def scopes(text: str | None) -> tuple[tuple[str, ...], tuple[Kind, ...]]:
    """The scopes of a list, each once, and what is odd about it."""
    if not text:
        return (), ()
    found = tuple(scope_list(text))
    odd = []
    if len(found) != len(text.split()):
        odd.append(Kind.SCOPE_REPEATED)
    if not all(_SCOPE.fullmatch(scope) for scope in found):
        odd.append(Kind.SCOPE_UNREADABLE)
    return found, tuple(odd)


def json_object(text: str | None) -> dict[str, Any] | None:
    """A JSON object; none: it is something else."""
    if text is None:
        return None
    value = orjson.loads(text)
    return value if isinstance(value, dict) else None


def is_bcrypt(stored: str) -> bool:
    """Whether this is a hash that a password can be checked against."""
    return _BCRYPT.fullmatch(stored) is not None


def without(settings: Mapping[str, Any], entries: set[str]) -> dict[str, Any]:
    """Settings without the keys that `entries` of the form `$.settings.key…` name."""
    keys = {entry.split(".")[2] for entry in entries if entry.count(".") >= 2}
    return {key: value for key, value in settings.items() if key not in keys}


def scheme_of(uri: str) -> str | None:
    """The scheme of an address on the web; none: it is no such address."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None
    if parts.scheme in {"http", "https"} and not parts.hostname:
        return None
    return parts.scheme or None


def shown(uri: str) -> str:
    """An address without its query, which may hold anything."""
    return uri.partition("?")[0][:200]


def matches_loosely(sent: str, registered: str) -> bool:
    """The original's rule (spec §1.3): one slash off, anywhere, then the end or `/…` or `?…`."""
    base = registered.removesuffix("/")
    place = sent.find(base)
    while place >= 0:
        rest = sent[place + len(base) :]
        if not rest or rest[0] in "/?":
            return True
        place = sent.find(base, place + 1)
    return False
