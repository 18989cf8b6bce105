"""Both languages say everything, and charts keep to the policy of the pages."""

import ast
import re
from pathlib import Path

import pytest

import services.admin_web
from services.admin_web.charts import filled_days, timeline
from services.admin_web.domain.menu import SECTIONS
from services.admin_web.texts import Texts, preferred
from services.scheduler.jobs import JOBS

HERE = Path(services.admin_web.__file__).parent
TEXTS = Texts.load()
_SAID = re.compile(r'_\("((?:[^"\\]|\\.)*)"')
_LABEL = re.compile(r'(?:text|choice)_filter\("[^"]*", "([^"]*)"')
_PAIR = re.compile(r'\("[^"]*", "([A-Z][^"]*)"(?:, "([A-Z][^"]*)")?\)')
_WORDS = ("title", "label", "hint", "button", "message", "says", "edit", "changed")
_NAMES = {"NDJSON", "CSV", "FHIR"}  # of formats: the same in every language


def said_by_templates() -> set[str]:
    found: set[str] = set()
    for path in (HERE / "templates").glob("*.html"):
        text = path.read_text()
        found |= {*_SAID.findall(text), *_LABEL.findall(text)}
        found |= {item for pair in _PAIR.findall(text) for item in pair if item}
    return found - _NAMES


def said_by_changes() -> set[str]:
    """Texts that handlers give to templates: by the name of what they are given for."""
    found: set[str] = set()
    for path in (HERE / "handlers").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.keyword) and node.arg in {*_WORDS, "wrong"}:
                found |= texts_in(node.value)
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                name = node.targets[0].id
                if name in _WORDS or name in {"_ENDS_ALL", "_SHOWN_ONCE", "stale"}:
                    found |= texts_in(node.value)
    return found


def texts_in(node: ast.AST) -> set[str]:
    return {
        item.value
        for item in ast.walk(node)
        if isinstance(item, ast.Constant)
        and isinstance(item.value, str)
        and re.match(r"[A-Z][a-z]?.* ?", item.value)
    }


def test_everything_has_its_ukrainian() -> None:
    by_menu = {word for s in SECTIONS for word in (s.title, s.says, s.group)}
    by_jobs = {word for job in JOBS for word in (job.what, job.reason)}
    wanted = said_by_templates() | said_by_changes() | by_menu | by_jobs
    assert len(wanted) > 350
    assert sorted(wanted - set(TEXTS.ukrainian)) == []


def test_a_translation_has_the_same_places_to_fill_in() -> None:
    for english, ukrainian in TEXTS.ukrainian.items():
        assert sorted(re.findall(r"{\w+}", english)) == sorted(
            re.findall(r"{\w+}", ukrainian)
        ), english


def test_a_text_without_a_translation_is_said_in_english() -> None:
    assert TEXTS.say("uk", "no such {text}") == "no such {text}"
    assert TEXTS.say("uk", "{count} scopes", count=3) == "Дозволів: 3"
    assert TEXTS.say("en", "{count} scopes", count=3) == "3 scopes"


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "uk"),
        ("en-GB", "en"),
        ("de, en;q=0.3, uk;q=0.8", "uk"),
        ("fr", "uk"),
        ("en;q=x, uk;q=0.1", "uk"),
        (",,;q=,en" + ",x" * 500, "en"),
    ],
)
def test_the_language_is_the_first_of_the_browsers_that_we_have(
    header: str, language: str
) -> None:
    assert preferred(header) == language


def test_a_chart_has_no_script_and_its_style_has_the_nonce_of_the_page() -> None:
    counted = [{"day": "2026-11-24", "permitted": 5, "refused": 2, "total": 7}]
    days = filled_days(counted, "2026-11-22T10:00:00", "2026-11-24T09:00:00")

    drawn = str(timeline(days, nonce="abc", say=lambda text: f"<{text}>"))

    assert [day["total"] for day in days] == [0, 0, 7]
    assert "<script" not in drawn
    assert " style=" not in drawn
    assert re.findall(r"<style([^>]*)>", drawn) == [' type="text/css" nonce="abc"']
    assert "&lt;Allowed&gt;" in drawn


def test_a_chart_of_nothing_is_drawn_too() -> None:
    assert "<svg" in str(timeline([], nonce="abc", say=str))
