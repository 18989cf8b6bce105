"""The words of the pages: one catalogue a language, the same keys in each."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.auth_web.domain import texts_en, texts_uk
from services.auth_web.domain.languages import Language

CATALOGUES: Mapping[Language, Mapping[str, str]] = {
    "uk": texts_uk.TEXTS,
    "en": texts_en.TEXTS,
}
NAMES: tuple[tuple[Language, str], ...] = (("uk", "Українська"), ("en", "English"))


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of one language. Calling it with a key that is not there is our mistake."""

    language: Language
    _texts: Mapping[str, str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Pick the catalogue."""
        object.__setattr__(self, "_texts", CATALOGUES[self.language])

    def __call__(self, key: str, **values: object) -> str:
        """The text, its gaps filled."""
        text = self._texts[key]
        return text.format(**values) if values else text

    def __contains__(self, key: str) -> bool:
        """Whether there is a text of this name."""
        return key in self._texts
