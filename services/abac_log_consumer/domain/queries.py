"""Query parameters to values, with every unfit one named (spec §8: entry type `query_param`)."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias
from uuid import UUID

from shared.wire.envelope import Invalid

_UUID = re.compile(r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")
_LONGEST = 255
_YEARS = range(2000, 3000)


class UnfitError(ValueError):
    """A value that its reader cannot take. Never leaves this module."""

    def __init__(self, rule: str, description: str, params: Any = ()) -> None:
        super().__init__(description)
        self.rule = rule
        self.description = description
        self.params = params


Reader: TypeAlias = Callable[[str], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfit:
    """The parameters that cannot be taken."""

    fields: tuple[Invalid, ...]


def read_all(
    pairs: Sequence[tuple[str, str]], readers: Mapping[str, Reader]
) -> dict[str, Any] | Unfit:
    """The values by name; or every parameter that is unknown, repeated or unfit.

    An empty value counts as absent.
    """
    values: dict[str, Any] = {}
    unfit: dict[str, Invalid] = {}
    for name, text in pairs:
        if name not in readers:
            unfit[name] = invalid(name, "unknown", "is not a parameter of this resource")
        elif name in values:
            unfit[name] = invalid(name, "unique", "is given more than once")
        elif text:
            try:
                values[name] = readers[name](text)
            except UnfitError as error:
                unfit[name] = invalid(name, error.rule, error.description, error.params)
    return Unfit(fields=tuple(unfit.values())) if unfit else values


def invalid(name: str, rule: str, description: str, params: Any = ()) -> Invalid:
    """One offending parameter. A name from the wire is cut and made sayable."""
    shown = name[:_LONGEST].encode(errors="replace").decode()
    return Invalid(
        entry=f"$.{shown}",
        entry_type="query_param",
        rule=rule,
        params=params,
        description=description,
    )


def uuid(text: str) -> UUID:
    """An id in its usual form."""
    if _UUID.match(text) is None:
        raise UnfitError("cast", "is invalid", ("uuid",))
    return UUID(text)


def words(text: str) -> str:
    """A text to be matched whole: printable, of a sane length."""
    if len(text) > _LONGEST:
        most = {"max": _LONGEST}
        raise UnfitError("length", f"should be at most {_LONGEST} character(s)", most)
    # Controls and surrogates do not print; what was no UTF-8 came as replacement characters.
    if not text.isprintable() or "\N{REPLACEMENT CHARACTER}" in text:
        raise UnfitError("format", "has invalid format")
    return text


def flag(text: str) -> bool:
    """`true` or `false`."""
    return one_of("true", "false")(text) == "true"


def one_of(*allowed: str) -> Callable[[str], str]:
    """A value of a closed set."""

    def read(text: str) -> str:
        if text not in allowed:
            raise UnfitError("inclusion", "is invalid", allowed)
        return text

    return read


def shaped(pattern: str) -> Callable[[str], str]:
    """A text of a form."""
    compiled = re.compile(pattern, re.ASCII)

    def read(text: str) -> str:
        if compiled.fullmatch(text) is None:
            raise UnfitError("format", "has invalid format", (pattern,))
        return text

    return read


def number(*, least: int, most: int) -> Callable[[str], int]:
    """A whole number within bounds."""

    def read(text: str) -> int:
        value = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
        if value is None or not least <= value <= most:
            bounds = {"min": least, "max": most}
            text = f"expected a number from {least} to {most}"
            raise UnfitError("number", text, bounds)
        return value

    return read


def moment(text: str) -> datetime:
    """A moment of ISO 8601; without an offset it is UTC, without a time midnight."""
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        hint = "expected ISO 8601, with `+` of an offset written as `%2B`"
        raise UnfitError("datetime", hint, ("ISO 8601",)) from None
    if value.year not in _YEARS:
        raise UnfitError("datetime", "is out of range", ("ISO 8601",))
    if value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    return value.astimezone(UTC)
