"""tests/decisions/*.yaml: each question over HTTP, its decision, and its record."""

from dataclasses import fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.abac_api.domain.facts import (
    Approval,
    Declaration,
    Employee,
    Grant,
    Justification,
    MergedPerson,
    ResourceFact,
)
from services.abac_api.domain.told import Fact
from tests.decisions.world import id_of
from tests.integration.abac_api.asking import records, tell
from tests.integration.abac_api.conftest import Api

_TABLES = sorted((Path(__file__).parents[2] / "decisions").glob("*.yaml"))
_KINDS: dict[str, Any] = {
    "employee": Employee,
    "declaration": Declaration,
    "approval": Approval,
    "resource": ResourceFact,
    "merged_person": MergedPerson,
    "justification": Justification,
}
_CASES = [
    pytest.param(case, id=f"{table.stem}: {case['case']}")
    for table in _TABLES
    for case in yaml.safe_load(table.read_text())
]


@pytest.mark.parametrize("case", _CASES)
async def test_a_case_is_decided_and_recorded_as_the_table_says(
    api: Api, case: dict[str, Any]
) -> None:
    await tell(api, *_facts(case, api.clock.now()))
    question: dict[str, Any] = {
        "consumer": _named(case["consumer"]),
        "resource": _named(case["resource"]),
        "contexts": [_named(item) for item in case.get("contexts", [])],
    }

    response = await api.public.post("/api/authorize", json=question)

    data = (await response.json())["data"]
    version, decision_id = data.pop("policy_version"), data.pop("decision_id")
    assert data.pop("decision") == data["result"]
    assert data == case["decision"]
    [record] = await records(api)
    assert record == {
        "decision_id": decision_id,
        "consumer": {
            **dict.fromkeys(("client_type", "mis_client_id", "person_id")),
            **question["consumer"],
        },
        "resource": {"id": None, **question["resource"]},
        "contexts": question["contexts"],
        "policy_version": version,
        "request_id": response.headers["X-Request-ID"],
        "decided_at": api.clock.now().isoformat(),
        **_named(case["record"]),
    }


def _named(value: dict[str, Any]) -> dict[str, Any]:
    """Names of things as their ids, at any depth."""
    return {
        name: str(id_of(item))
        if isinstance(item, str) and (name == "id" or name.endswith("_id"))
        else [_named(each) if isinstance(each, dict) else each for each in item]
        if isinstance(item, list)
        else item
        for name, item in value.items()
    }


def _facts(case: dict[str, Any], now: datetime) -> list[Fact]:
    return [
        _fact(_KINDS[kind], value, now)
        for kind, given in case.get("facts", {}).items()
        for value in (given if isinstance(given, list) else [given])
    ]


def _fact(make: Any, value: dict[str, Any], now: datetime) -> Fact:
    made: dict[str, Any] = {}
    for name in {field.name for field in fields(make)} & set(value):
        item = value[name]
        if isinstance(item, str) and (name == "id" or name.endswith("_id")):
            made[name] = id_of(item)
        elif isinstance(item, int) and not isinstance(item, bool):
            made[name] = now + timedelta(seconds=item)
        elif isinstance(item, list):
            made[name] = tuple(Grant(type=x["type"], id=id_of(x["id"])) for x in item)
        else:
            made[name] = item
    fact: Fact = make(**made)
    return fact
