"""Which language a page is in: asked for, kept in a cookie, or preferred by the browser."""

from typing import Literal, TypeAlias

Language: TypeAlias = Literal["uk", "en"]
DEFAULT: Language = "uk"


def known(text: str | None) -> Language | None:
    """The language that a tag names, if we speak it."""
    primary = (text or "").strip().lower().partition("-")[0]
    if primary == "uk":
        return "uk"
    return "en" if primary == "en" else None


def preferred(accept_language: str) -> Language | None:
    """The best of a browser's preferences that we speak (RFC 9110 §12.5.4)."""
    wanted = []
    for place, item in enumerate(accept_language[:500].split(",")):
        tag, _, weight = item.partition(";")
        language = known(tag)
        if language is not None and (quality := _quality(weight)) > 0:
            wanted.append((-quality, place, language))
    return min(wanted)[2] if wanted else None


def _quality(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
