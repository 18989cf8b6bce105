"""Phone numbers, as people type them and as mithril-api takes them."""

import re

_DIGITS = re.compile(r"^(?:\+?380|0)(\d{9})\Z")
_FILLING = re.compile(r"[\s()\-.\u00a0]")


def normalized(typed: str) -> str | None:
    """`+380` and nine digits; none where it is no mobile number of Ukraine."""
    found = _DIGITS.match(_FILLING.sub("", typed))
    return None if found is None or not found[1].isascii() else f"+380{found[1]}"


def code_of(typed: str) -> str | None:
    """The digits of a one-time code, however they are grouped."""
    code = _FILLING.sub("", typed)
    return code if code.isascii() and code.isdecimal() and 4 <= len(code) <= 10 else None
