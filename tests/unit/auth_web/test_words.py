"""Every word of the pages, in both languages."""

import json
import re
from itertools import pairwise
from pathlib import Path
from string import Formatter

import pytest

import services.auth_web
import services.mithril_api
import shared.runtime.pages
from services.auth_web.domain import languages, refusal_words, texts
from services.auth_web.domain.languages import Language
from services.auth_web.domain.refusal_words import Said, key_of, trouble_of
from services.auth_web.domain.scope_words import NOUNS, VERBS, Permission, in_words
from services.auth_web.domain.texts import CATALOGUES, Texts

HERE = Path(services.auth_web.__file__).parent
SEEDS = Path(services.mithril_api.__file__).parent / "migrations" / "seeds"
LANGUAGES: tuple[Language, ...] = ("uk", "en")


def _seeded() -> set[str]:
    found: set[str] = set()
    for path in SEEDS.glob("*.json"):
        for item in json.loads(path.read_text()):
            scope = item.get("scope") or ""
            found |= set(scope.split() if isinstance(scope, str) else scope)
    return found


def _gaps(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_both_catalogues_have_the_same_keys_and_gaps() -> None:
    uk, en = CATALOGUES["uk"], CATALOGUES["en"]
    assert set(uk) == set(en)
    assert {key: _gaps(uk[key]) for key in uk} == {key: _gaps(en[key]) for key in en}
    assert all(text.strip() == text and text for text in [*uk.values(), *en.values()])


def test_ukrainian_is_in_cyrillic_and_english_is_not() -> None:
    cyrillic = re.compile("[а-яєіїґ]", re.IGNORECASE)
    assert [
        key for key, text in CATALOGUES["uk"].items() if not cyrillic.search(text)
    ] == []
    assert [key for key, text in CATALOGUES["en"].items() if cyrillic.search(text)] == []


_MADE = {"error", "refused", "field", "choose", "revoke", "remove", "sign_out", "changed"}
_MADE |= {"reset_sent"}  # families whose keys are put together


def test_every_text_that_a_page_asks_for_is_there_and_every_text_is_asked_for() -> None:
    pages = [
        *HERE.rglob("*.html"),
        *HERE.rglob("*.py"),
        Path(shared.runtime.pages.__file__),
    ]
    source = "".join(
        path.read_text() for path in pages if not path.name.startswith("texts_")
    )
    asked = set(re.findall(r"""\bt\(["']([a-z_]+(?:\.[A-Za-z_]+)*)["']""", source))
    assert asked - set(CATALOGUES["uk"]) == set()
    words = set(re.findall(r"[A-Za-z_]+", source))
    dotted = set(re.findall(r"[A-Za-z_]+(?:\.[A-Za-z_]+)*", source))
    unused = {
        key
        for key in CATALOGUES["uk"]
        if key not in dotted
        and not (key.split(".")[0] in _MADE and set(key.split(".")[:2]) <= words)
    }
    assert unused == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_seeded_scope_is_named_in_words(language: Language) -> None:
    seeded = _seeded()
    assert len(seeded) > 120
    for scope in seeded:
        noun, verb = scope.split(":")
        assert noun in NOUNS, scope
        assert verb in VERBS, scope
        (said,) = in_words([scope], language)
        assert said.scopes == (scope,)
        assert "_" not in said.noun + "".join(said.verbs)


def test_scopes_of_one_resource_are_said_together_in_order_of_mention() -> None:
    scopes = ["declaration:read", "episode:read", "declaration:sign", "declaration:read"]
    assert in_words(scopes, "en") == [
        Permission(
            noun="Declarations",
            verbs=("view", "sign"),
            scopes=("declaration:read", "declaration:sign"),
        ),
        Permission(noun="Episodes of care", verbs=("view",), scopes=("episode:read",)),
    ]


@pytest.mark.parametrize(
    ("scope", "noun", "verbs"),
    [
        ("care_plan:write", "Care plan", ("create and change",)),
        ("device:frobnicate_all", "Device", ("frobnicate all",)),
        ("frobnicate", "Frobnicate", ()),
        ("a:b:c", "A", ("b c",)),
        (":", "", ()),
    ],
)
def test_a_scope_that_nobody_named_still_reads(
    scope: str, noun: str, verbs: tuple[str, ...]
) -> None:
    (said,) = in_words([scope], "en")
    assert (said.noun, said.verbs) == (noun, verbs)


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("uk-UA,uk;q=0.9,en;q=0.8", "uk"),
        ("en-GB,en;q=0.9", "en"),
        ("de,en;q=0.5,uk;q=0.7", "uk"),
        ("en;q=0.5,uk;q=0.5", "en"),
        ("de", None),
        ("", None),
        ("en;q=0", None),
        ("en;q=x,uk", "uk"),
        (",;,;q=", None),
        ("EN", "en"),
    ],
)
def test_the_best_preference_that_we_speak_wins(header: str, language: str | None) -> None:
    assert languages.preferred(header) == language


def _said(status: int = 401, kind: str = "access_denied", message: str = "") -> Said:
    return Said(status=status, kind=kind, message=message)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_refusal_of_the_table_has_words(language: Language) -> None:
    t = Texts(language)
    for message, key in refusal_words._BY_MESSAGE.items():
        assert trouble_of(_said(message=message), t).text == t(f"refused.{key}")
    for kind, key in refusal_words._BY_KIND.items():
        assert trouble_of(_said(kind=kind), t).text == t(f"refused.{key}")
    for key in refusal_words._BY_RULE.values():
        assert t(f"field.{key}")


def test_an_unknown_user_and_a_wrong_password_read_alike() -> None:
    t = texts.Texts("en")
    unknown = trouble_of(_said(message="User not found."), t)
    wrong = trouble_of(_said(message="Identity, password combination is wrong."), t)
    assert unknown == wrong


@pytest.mark.parametrize(
    ("message", "key"),
    [
        ("Invalid CAPTCHA token", "captcha"),
        ("Invalid CAPTCHA token. Errors: timeout-or-duplicate", "captcha"),
        ("Invalid CAPTCHA token. Errors: captcha-unavailable", "captcha_away"),
    ],
)
def test_a_captcha_that_was_refused_and_one_that_could_not_be_checked_have_words(
    message: str, key: str
) -> None:
    t = texts.Texts("uk")
    trouble = trouble_of(_said(403, "forbidden", message), t)
    assert (trouble.text, trouble.status) == (t(f"refused.{key}"), 403)


def test_what_is_not_in_the_table_is_said_as_the_api_says_it() -> None:
    t = texts.Texts("en")
    assert "Something new." in trouble_of(_said(message="Something new."), t).text
    assert "teapot" in trouble_of(_said(418, "teapot"), t).text


def test_too_many_says_when_to_try_again() -> None:
    said = Said(status=429, kind="too_many_requests", message="", retry_after=17)
    trouble = trouble_of(said, texts.Texts("en"))
    assert "17 s" in trouble.text
    assert (trouble.status, trouble.retry_after) == (429, 17)
    assert key_of(Said(status=429, kind="new", message="")) == "too_many"


@pytest.mark.parametrize(
    ("field", "words"),
    [
        (("password", "format", "x"), "field.complexity"),
        (("password", "length", "x"), "field.length"),
        (("password", "password_used", "x"), "field.used"),
        (("factor", "format", "invalid phone"), "field.phone"),
        (("otp", "cast", "is invalid"), "field.code"),
        (("email", "email", "x"), "field.email"),
        (("other", "cast", ""), "field.invalid"),
    ],
)
def test_an_offending_field_is_explained(field: tuple[str, str, str], words: str) -> None:
    said = Said(status=422, kind="validation_failed", message="", fields=[field])
    t = texts.Texts("uk")
    assert trouble_of(said, t).fields == {field[0]: t(words)}
    assert trouble_of(said, t).status == 422


def test_a_field_of_which_we_know_nothing_is_explained_by_the_api() -> None:
    said = Said(status=422, kind="", message="", fields=[("x", "y", "must be z")])
    assert trouble_of(said, texts.Texts("en")).fields == {"x": "must be z"}


def test_the_colours_of_text_stand_out_from_their_ground() -> None:
    sheet = (HERE / "static" / "style.css").read_text()
    light, dark = re.findall(r":root \{(.*?)\}", sheet, re.DOTALL)
    pairs = [
        ("ink", "paper"),
        ("ink", "ground"),
        ("soft", "paper"),
        ("soft", "ground"),
        ("brand", "paper"),
        ("brand", "ground"),
        ("on-brand", "brand"),
        ("on-brand", "brand-deep"),
        ("bad", "bad-ground"),
        ("bad", "paper"),
        ("good", "good-ground"),
        ("warn", "warn-ground"),
    ]
    for theme in (light, dark):
        colours = dict(re.findall(r"--([a-z-]+): #([0-9a-f]+)", theme))
        for ink, ground in pairs:
            assert _contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)
        assert _contrast(colours["edge"], colours["paper"]) >= 3


def _contrast(first: str, second: str) -> float:
    """WCAG 2.2, contrast ratio."""
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    full = colour if len(colour) == 6 else "".join(sign * 2 for sign in colour)
    parts = [int(full[at : at + 2], 16) / 255 for at, _ in pairwise(range(0, 8, 2))]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
