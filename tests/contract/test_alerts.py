"""The alert rules: tested by promtool, explained in the runbook, asking for what exists."""

import re
from pathlib import Path
from typing import Any

import promql_parser as promql
import pytest
import yaml

from k8s.objects import Object, of_kind
from services.scheduler.jobs import BY_NAME
from tests import metrics_declared
from tests.promtool import promtool

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "deploy" / "observability" / "prometheus"
GROUPS: list[dict[str, Any]] = yaml.safe_load((PROMETHEUS / "rules.yaml").read_text())[
    "groups"
]
RULES: dict[str, dict[str, Any]] = {
    rule["alert"]: rule for group in GROUPS for rule in group["rules"]
}
TESTS = sorted((PROMETHEUS / "tests").glob("*.yaml"))
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()

_ENTRY = re.compile(
    r"^### (Mithril\w+)\n\n```promql\n(.*?)\n```\n\n(.*?), \*(critical|warning)\*\.",
    re.MULTILINE | re.DOTALL,
)
_HELD = {
    "At once": None,
    "After a minute": "1m",
    "After an hour": "1h",
    "After two hours": "2h",
} | {f"After {n} minutes": f"{n}m" for n in (2, 5, 10, 15, 30)}

each_rule = pytest.mark.parametrize("rule", RULES.values(), ids=RULES)


def test_prometheus_takes_the_rules() -> None:
    done = promtool("check", "rules", PROMETHEUS / "rules.yaml")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("file", TESTS, ids=[file.stem for file in TESTS])
def test_alerts_fire_when_they_should_and_are_quiet_otherwise(file: Path) -> None:
    done = promtool("test", "rules", file)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_is_tested_both_ways() -> None:
    fires, quiet = set[str](), set[str]()
    for file in TESTS:
        for case in yaml.safe_load(file.read_text())["tests"]:
            (asked,) = case["promql_expr_test"]
            alert = re.search(r'alertname="(\w+)"', asked["expr"])
            assert alert is not None
            (fires if asked["exp_samples"] else quiet).add(alert[1])
    assert fires == quiet == set(RULES)


def test_the_runbook_has_each_alert_with_its_query_its_patience_and_its_urgency() -> None:
    told = {
        name: (promql.parse(query).prettify(), _HELD[held], severity)
        for name, query, held, severity in _ENTRY.findall(RUNBOOK)
    }
    assert told == {
        name: (
            promql.parse(rule["expr"]).prettify(),
            rule.get("for"),
            rule["labels"]["severity"],
        )
        for name, rule in RULES.items()
    }


@each_rule
def test_an_alert_asks_for_metrics_and_labels_that_exist(rule: dict[str, Any]) -> None:
    assert metrics_declared.faults_of(rule["expr"], metrics_declared.series()) == []


@each_rule
def test_an_alert_says_what_is_wrong_and_where_to_read_on(rule: dict[str, Any]) -> None:
    assert rule["annotations"].keys() == {"summary", "description", "runbook"}
    assert rule["annotations"]["runbook"] == f"docs/runbook.md#{rule['alert'].lower()}"


def test_each_job_may_be_late_once() -> None:
    named = re.findall(r'job_name=~"([^"]+)"', RULES["MithrilJobLate"]["expr"])
    jobs = [job for names in named for job in names.split("|")]
    assert sorted(jobs) == sorted(BY_NAME)


def test_the_cluster_gets_the_same_rules(production: list[Object]) -> None:
    (made,) = of_kind(production, "PrometheusRule")
    assert made["spec"]["groups"] == GROUPS


def test_the_cluster_scrapes_every_pod_of_ours_at_its_internal_listener(
    production: list[Object],
) -> None:
    (monitor,) = of_kind(production, "PodMonitor")
    wanted = monitor["spec"]["selector"]["matchLabels"]
    deployments = of_kind(production, "Deployment")
    for owner in deployments:
        template = owner["spec"]["template"]
        assert wanted.items() <= template["metadata"]["labels"].items()
        names = {port["name"] for port in template["spec"]["containers"][0]["ports"]}
        assert {end["port"] for end in monitor["spec"]["podMetricsEndpoints"]} <= names
    assert deployments
