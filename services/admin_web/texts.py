"""What the console says, in English and in Ukrainian.

English is the key: a template reads like the page that it makes. `texts/uk.json` has the
Ukrainian of each; a test finds what has none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

LANGUAGES = {"uk": "Українська", "en": "English"}
DEFAULT = "uk"
_FILE = Path(__file__).parent / "texts" / "uk.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """The catalogue."""

    ukrainian: Mapping[str, str]

    @classmethod
    def load(cls) -> "Texts":
        """From the file beside this module."""
        return cls(ukrainian=orjson.loads(_FILE.read_bytes()))

    def say(self, language: str, text: str, /, **values: Any) -> str:
        """The text in a language, its `{names}` filled in."""
        said = self.ukrainian.get(text, text) if language == "uk" else text
        return said.format(**values) if values else said


def preferred(accept_language: str) -> str:
    """The first language of the header that we have (RFC 9110 §12.5.4, by weight)."""
    weighed = []
    for position, item in enumerate(accept_language.split(",")[:20]):
        tag, _, weight = item.strip().partition(";q=")
        primary = tag.partition("-")[0].lower()
        if primary in LANGUAGES:
            weighed.append((-_weight(weight), position, primary))
    return min(weighed)[2] if weighed else DEFAULT


def _weight(text: str) -> float:
    try:
        return float(text) if text else 1.0
    except ValueError:
        return 0.0
