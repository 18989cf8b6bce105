"""Parameters of requests: form-encoded UTF-8, each at most once (RFC 6749 §3.1, §3.2, App. B)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from services.mithril_api.domain.oauth2.faults import Fault, invalid_request

FORM = "application/x-www-form-urlencoded"

# RFC 8707 §2 and RFC 8693 §2.1 let these be said several times; nothing else may be.
_REPEATABLE = frozenset({"audience", "resource"})
_MOST = 100
_LONGEST = 2048
_LONGER: Mapping[str, int] = {
    "client_assertion": 16_384,
    "id_token_hint": 8192,
    "scope": 8192,
    "subject_token": 16_384,
    "token": 16_384,
}
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a request says. A parameter without a value counts as absent (RFC 6749 §3.1)."""

    _given: Mapping[str, tuple[str, ...]] = field(repr=False)

    def get(self, name: str) -> str | None:
        """The value of a parameter; none where it is not there."""
        given = self._given.get(name)
        return given[0] if given else None

    def every(self, name: str) -> tuple[str, ...]:
        """All the values of one that may be repeated."""
        return self._given.get(name, ())

    def __contains__(self, name: str) -> bool:
        return name in self._given


def parse(raw: bytes | str) -> Parameters | Fault:
    """The parameters of a form body or of a query; what cannot be read in one way is refused."""
    text = raw.decode("latin-1") if isinstance(raw, bytes) else raw
    if not text.isascii() or _BROKEN_ESCAPE.search(text):
        return invalid_request("the parameters are not percent-encoded as they must be")
    try:
        pairs = parse_qsl(
            text, keep_blank_values=True, errors="strict", max_num_fields=_MOST
        )
    except ValueError:
        return invalid_request("the parameters are not form-encoded UTF-8, or are too many")
    return _of_pairs(pairs)


def _of_pairs(pairs: list[tuple[str, str]]) -> Parameters | Fault:
    given: dict[str, list[str]] = {}
    for name, value in pairs:
        if _CONTROL.search(name) or _CONTROL.search(value):
            return invalid_request("the parameters hold a control character")
        if len(value) > _LONGER.get(name, _LONGEST):
            return invalid_request(f"`{_shown(name)}` is too long")
        if name in given and name not in _REPEATABLE:
            return invalid_request(f"`{_shown(name)}` is given more than once")
        given.setdefault(name, []).append(value)
    kept = {name: tuple(item for item in values if item) for name, values in given.items()}
    return Parameters({name: values for name, values in kept.items() if values})


def _shown(name: str) -> str:
    """A parameter's name as a description may repeat it (RFC 6749 §5.2: printable ASCII)."""
    return re.sub(r"[^A-Za-z0-9_.-]", "?", name)[:40]
