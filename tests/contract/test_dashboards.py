"""The dashboards: made from their tables, asking for what exists, saying what they ask."""

import json
import re
from itertools import pairwise

import promql_parser as promql
import pytest

from deploy.observability.build import made
from deploy.observability.dashboards import BOARDS, json_of
from deploy.observability.panels import Board, Panel
from tests import metrics_declared

PANELS = [
    pytest.param(panel, id=f"{board.uid}: {panel.title}")
    for board in BOARDS
    for panel in board.panels
]
_LATER = {"ALERTS": frozenset({"alertname", "alertstate", "severity"})}
_PROCESS = {"process_resident_memory_bytes", "process_cpu_seconds_total"}


def _query(panel: Panel) -> str:
    """As Grafana sends it."""
    return panel.query.replace("$__rate_interval", "1m")


def test_what_is_made_is_what_is_kept() -> None:
    for path, text in made().items():
        assert path.read_text() == text, path


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_asks_for_metrics_and_labels_that_exist(panel: Panel) -> None:
    known = metrics_declared.series() | _LATER | dict.fromkeys(_PROCESS, frozenset[str]())
    assert metrics_declared.faults_of(_query(panel), known) == []


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_is_a_question_with_a_unit_an_explanation_and_names(panel: Panel) -> None:
    assert panel.title.endswith("?")
    assert panel.description.endswith(".")
    assert panel.unit
    kept = re.findall(r"by \(([^)]*)\)", promql.parse(_query(panel)).prettify())
    labels = {label.strip() for names in kept for label in names.split(",")} - {"le"}
    assert set(re.findall(r"{{(\w+)}}", panel.legend)) == labels


@pytest.mark.parametrize("board", BOARDS, ids=[board.uid for board in BOARDS])
def test_panels_lie_side_by_side_and_ask_the_chosen_prometheus(board: Board) -> None:
    read = json.loads(json_of(board))
    places = [(it["gridPos"]["y"], it["gridPos"]["x"]) for it in read["panels"]]
    assert all(one < other for one, other in pairwise(places))
    assert {it["datasource"]["uid"] for it in read["panels"]} == {"${source}"}
    assert [it["name"] for it in read["templating"]["list"]] == ["source"]


def test_every_metric_of_ours_is_on_a_dashboard() -> None:
    shown = {
        name
        for board in BOARDS
        for panel in board.panels
        for name in metrics_declared.metrics_of(_query(panel))
    }
    unseen = {
        family
        for family in metrics_declared.families()
        if not any(name.startswith(family) for name in shown)
    }
    assert unseen == set()
