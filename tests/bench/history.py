"""A patient's history in a long log: how long a page takes, and what PostgreSQL reads for it."""

import random
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

from services.abac_log_consumer.actions.list_entries import list_decisions
from services.abac_log_consumer.app import build
from services.abac_log_consumer.deps import Deps
from services.abac_log_consumer.domain.entries import Asker
from services.abac_log_consumer.domain.filters import Asked
from services.abac_log_consumer.settings import Settings
from services.abac_log_consumer.store.reading import decisions_asked
from shared.runtime.postgres import driver_of
from tests.bench import targets
from tests.bench.audit_records import MONTHS, PATIENTS, identifier, months
from tests.bench.place import Measured, Place

_PAGES = 300
_NOBODY = UUID(int=0)


async def measure(place: Place, url: str) -> list[Measured]:
    """Pages of random patients over all months; and the plan for a period of two."""
    deps = unstarted(place, url)
    try:
        took, entries = await _pages(deps)
        _, last, first, *__ = months(MONTHS)
        asked = Asked(
            wanted={"patient_id": identifier("patient", 7)},
            since=first.start + timedelta(days=3),
            until=last.end - timedelta(days=3),
        )
        nodes = await _plan(deps, asked)
    finally:
        await deps.db.dispose()
    among = (
        f"among {place.records} records of {MONTHS} months, {entries / _PAGES:.0f} a page"
    )
    p50, p95 = took[len(took) // 2], took[int(len(took) * 0.95)]
    scans = [node for node in nodes if "Relation Name" in node]
    read = {node["Relation Name"] for node in scans}
    not_indexed = [node for node in scans if not node["Node Type"].startswith("Index")]
    wrong = len(read ^ {first.name, last.name}) + len(not_indexed)
    used = sorted({f"{node['Node Type']} on {node['Relation Name']}" for node in scans})
    return [
        Measured(
            target=targets.HISTORY,
            figure=p95 * 1000,
            note=f"p50 {p50 * 1000:.1f} ms, {among}, the query itself written down",
        ),
        Measured(
            target=targets.HISTORY_PARTITIONS,
            figure=wrong,
            note=", ".join(used),
        ),
    ]


def unstarted(place: Place, url: str) -> Deps:
    """An abac-log-consumer whose actions are called, but which is not started."""
    return build(
        Settings(
            database_url=url,
            kafka_bootstrap_servers=place.kafka.bootstrap,
            signing_key="5a" * 32,
        )
    ).deps


async def _pages(deps: Deps) -> tuple[list[float], int]:
    """The seconds of each page, least first, and how many entries all had."""
    chosen = random.Random(1)
    asker = Asker(user_id=_NOBODY, client_id=_NOBODY, token_id=_NOBODY, request_id="bench")
    took, entries = [], 0
    for turn in range(_PAGES + 10):  # the first ones prepare statements
        patient = identifier("patient", chosen.randrange(PATIENTS))
        asked = Asked(wanted={"patient_id": patient})
        started = time.perf_counter()
        page = await list_decisions(deps, asked, asker=asker, operation="patient_access")
        if turn >= _PAGES + 10 - _PAGES:
            took.append(time.perf_counter() - started)
            entries += len(page.entries)
    if not entries:
        raise RuntimeError("no patient has a history")
    return sorted(took), entries


async def _plan(deps: Deps, asked: Asked) -> list[dict[str, Any]]:
    """The nodes that were executed, under the service's own settings and a kept plan."""
    query = decisions_asked(asked).limit(asked.page_size + 1)
    compiled = query.compile(dialect=deps.db.engine.dialect)
    values = [compiled.params[name] for name in compiled.positiontup or ()]
    literals = ", ".join(f"'{value}'" for value in values)
    async with deps.db.begin() as conn:
        driver = driver_of(conn)
        await driver.execute(f"PREPARE page AS {compiled}")
        plan = await driver.fetchval(
            f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE page({literals})"
        )
    (root,) = plan  # the service's connections read JSON
    return [node for node in _nodes(root["Plan"]) if node["Actual Loops"]]


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)
