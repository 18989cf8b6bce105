"""How PostgreSQL finds what auditors ask for, by the plans that the service's settings give."""

import re
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Select
from sqlalchemy.dialects.postgresql.asyncpg import dialect

from services.abac_log_consumer.domain.cursor import Place
from services.abac_log_consumer.domain.filters import Asked
from services.abac_log_consumer.store.reading import decisions_asked
from shared.runtime.postgres import driver_of
from tests.integration.abac_log_auditors.conftest import Audit

JANUARY, FEBRUARY, MARCH, APRIL = (datetime(2025, n, 1, tzinfo=UTC) for n in range(1, 5))


async def test_a_patients_history_reads_an_index_of_the_months_of_its_period_alone(
    audit: Audit,
) -> None:
    await three_months(audit)
    asked = Asked(
        wanted={"patient_id": uuid4()},
        since=datetime(2025, 2, 3, tzinfo=UTC),
        until=datetime(2025, 2, 5, tzinfo=UTC),
    )

    plan = await plan_of(audit, decisions_asked(asked).limit(51))

    assert scans(plan) == ["decisions_p20250201_patient_id_decided_at_event_id_idx"], plan
    assert "Sort" not in plan.replace("Sort Key", "")  # of merging the months


async def test_a_later_page_leaves_out_the_months_after_its_cursor(audit: Audit) -> None:
    await three_months(audit)
    asked = Asked(
        wanted={"patient_id": uuid4()},
        since=JANUARY,
        after=Place(at=datetime(2025, 2, 3, tzinfo=UTC), id=uuid4()),
    )

    plan = await plan_of(audit, decisions_asked(asked).limit(51))

    assert scans(plan) == [
        "decisions_p20250101_patient_id_decided_at_event_id_idx",
        "decisions_p20250201_patient_id_decided_at_event_id_idx",
    ], plan
    assert "Sort" not in plan.replace("Sort Key", "")  # of merging the months


async def three_months(audit: Audit) -> None:
    for start, end in ((JANUARY, FEBRUARY), (FEBRUARY, MARCH), (MARCH, APRIL)):
        await audit.records.partition(start, end)
        await audit.records.decisions(50, at=end, patient_id=uuid4())


async def plan_of(audit: Audit, query: Select[Any]) -> str:
    """The plan of a prepared query, as the service runs it, on a connection of its own."""
    compiled = query.compile(dialect=dialect())  # type: ignore[no-untyped-call]  # the library's
    values = [compiled.params[name] for name in compiled.positiontup or []]
    said = ", ".join(f"'{value}'" for value in values)
    async with audit.built.deps.db.read() as conn:
        driver = driver_of(conn)
        await driver.execute(f"PREPARE asked AS {compiled}")
        rows = await driver.fetch(f"EXPLAIN (ANALYZE, COSTS OFF) EXECUTE asked({said})")
        await driver.execute("DEALLOCATE asked")
    return "\n".join(row[0] for row in rows)


def scans(plan: str) -> list[str]:
    """The indexes a plan read; a scan that was never begun is none."""
    lines = [line for line in plan.splitlines() if "never executed" not in line]
    assert not any("Seq Scan" in line for line in lines), plan
    return sorted(re.findall(r"Index (?:Only )?Scan.* using (\S+)", "\n".join(lines)))
