"""The documents: links lead somewhere, and what they name is there."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
import typer
from typer.core import TyperGroup

from services.cli import cli
from services.documents import DOCUMENTS
from services.scheduler.jobs import BY_NAME
from shared.events.catalogue import CATALOGUE
from tests import metrics_declared

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    page
    for place in (".", "docs", "docs/adr", "requirements")
    for page in (ROOT / place).glob("*.md")
)
ADRS = sorted((ROOT / "docs" / "adr").glob("*.md"))
LIVING = [page for page in PAGES if page not in ADRS]  # a decision speaks of its own day

_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
_CODE = re.compile(r"`([^`\n]+)`")
_COMMAND = re.compile(r"(?<!-n )\bmithril((?: [a-z][a-z-]*)+)")  # `-n` names a namespace
_TOP = ("services/", "shared/", "tests/", "k8s/", "deploy/", "docs/", "requirements/")
_TESTS = ("unit", "integration", "contract", "system")


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


each_page = pytest.mark.parametrize("page", PAGES, ids=_name)
each_adr = pytest.mark.parametrize("page", ADRS, ids=_name)
each_living = pytest.mark.parametrize("page", LIVING, ids=_name)


def _anchors(page: Path) -> set[str]:
    """The fragments of a page's headings, as a forge makes them."""
    titles = _HEADING.findall(_FENCE.sub("", page.read_text()))
    kept = (re.sub(r"[^\w\- ]", "", title.lower()) for title in titles)
    return {title.replace(" ", "-") for title in kept}


@each_page
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    broken = []
    for link in _LINK.findall(_FENCE.sub("", page.read_text())):
        path, _, fragment = unquote(link).partition("#")
        if "://" in path or path.startswith("mailto:"):
            continue
        target = page if not path else (page.parent / path).resolve()
        inside = target.is_relative_to(ROOT) and target.exists()
        if not inside or (fragment and fragment not in _anchors(target)):
            broken.append(link)
    assert broken == []


@each_adr
def test_a_decision_has_its_number_title_status_date_and_parts(page: Path) -> None:
    number, _, slug = page.stem.partition("-")
    lines = page.read_text().splitlines()
    assert re.fullmatch(r"\d{4}", number)
    assert re.fullmatch(r"[a-z0-9-]+", slug)
    assert re.fullmatch(rf"# {number}\. \S.*", lines[0])
    assert re.fullmatch(r"- Status: (accepted|superseded by ADR \d{4})", lines[2])
    assert re.fullmatch(r"- Date: \d{4}-\d{2}-\d{2}", lines[3])
    assert [line for line in lines if line.startswith("## ")] == [
        "## Context",
        "## Decision",
        "## Alternatives considered",
        "## Consequences",
    ]


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = [int(page.stem[:4]) for page in ADRS]
    assert numbers == list(range(1, len(ADRS) + 1))


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_generated_document_says_what_the_code_says(name: str) -> None:
    assert (ROOT / name).read_text() == DOCUMENTS[name]()


def test_every_topic_is_in_the_operators_manual() -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    topics = {event.topic for event in CATALOGUE.values()}
    assert {topic for topic in topics if f"`{topic}`" not in text} == set()


def test_every_metric_is_in_a_manual() -> None:
    manuals = (ROOT / "docs" / "runbook.md", ROOT / "docs" / "operations.md")
    text = "\n".join(manual.read_text() for manual in manuals if manual.exists())
    declared = metrics_declared.families()
    assert declared
    assert {name for name in declared if f"`{name}`" not in text} == set()


@each_living
def test_every_metric_that_is_named_exists(page: Path) -> None:
    named = set(re.findall(r"\bmithril_[a-z_]+\b", page.read_text()))
    declared = metrics_declared.families() | set(metrics_declared.series())
    others = {"mithril_api", "mithril_audit"}  # a package, a role of the database
    assert named - declared - others == set()


def _exists(words: list[str]) -> bool:
    """Whether these words name a command, read as far as they lead."""
    command = typer.main.get_command(cli)
    for word in words:
        if not isinstance(command, TyperGroup):
            break  # what follows are the command's own arguments
        found = command.get_command(typer.Context(command), word)
        if found is None:
            return False
        command = found
    return True


def _commands_in(page: Path) -> set[str]:
    text = page.read_text()
    code = [*_FENCE.findall(text), *_CODE.findall(_FENCE.sub("", text))]
    return {words.strip() for piece in code for words in _COMMAND.findall(piece)}


@each_page
def test_every_command_that_is_named_exists(page: Path) -> None:
    named = _commands_in(page)
    assert {words for words in named if not _exists(words.split())} == set()


@each_page
def test_every_job_that_is_told_to_be_run_exists(page: Path) -> None:
    told = re.findall(r"mithril-scheduler run ([a-z][a-z-]*)", page.read_text())
    assert set(told) <= set(BY_NAME)


def test_the_glossary_has_each_word_once_and_in_order() -> None:
    words = re.findall(
        r"^\*\*(.+?)\*\*:", (ROOT / "docs" / "glossary.md").read_text(), re.MULTILINE
    )
    assert len(words) > 20
    assert words == sorted(set(words), key=str.casefold)


def _places_in(page: Path) -> Iterator[tuple[Path, str]]:
    """Files and folders that a page names in code, with the test named after `::`."""
    text = page.read_text()
    for code in _CODE.findall(_FENCE.sub("", text)):
        path, _, test = code.partition("::")
        if not re.fullmatch(r"[\w./-]+", path):
            continue
        if path.split("/")[0] in _TESTS and (test or "/" in path):
            yield ROOT / "tests" / path, test
        elif path.startswith(_TOP):
            yield ROOT / path, test


def _is_in(place: Path, test: str) -> bool:
    """Whether a test is in a file, or in any of a folder."""
    files = [place] if place.is_file() else sorted(place.rglob("*.py"))
    return any(f"def {test}(" in file.read_text() for file in files)


@each_living
def test_every_file_and_test_that_is_named_is_there(page: Path) -> None:
    gone = [
        f"{place.relative_to(ROOT)}::{test}"
        for place, test in _places_in(page)
        if not place.exists() or (test and not _is_in(place, test))
    ]
    assert gone == []


def test_every_alert_of_the_table_is_described() -> None:
    text = (ROOT / "docs" / "runbook.md").read_text()
    described = set(re.findall(r"^### (Mithril\w+)$", text, re.MULTILINE))
    assert set(re.findall(r"\bMithril[A-Z]\w+\b", text)) == described
