"""Hostile and mistaken queries: 422 that names each parameter, never a 500."""

from typing import Any
from uuid import UUID

import pytest
from yarl import URL

from tests.integration.abac_log_auditors.conftest import EXPORT, READ, Audit

LOGS = "/api/abac_logs"
NOBODY = UUID("00000000-0000-4000-8000-000000000009")


async def test_every_unfit_parameter_is_named(audit: Audit) -> None:
    answer = await audit.get(
        LOGS,
        patient_id="1 OR 1=1",
        action="fly",
        result="maybe",
        rule="rule_1'; --",
        from_="yesterday",
        page_size=301,
        colour="red",
    )

    assert answer.status == 422
    error = (await answer.json())["error"]
    assert error["type"] == "validation_failed"
    assert {item["entry"] for item in error["invalid"]} == {
        "$.patient_id",
        "$.action",
        "$.result",
        "$.rule",
        "$.from",
        "$.page_size",
        "$.colour",
    }
    assert {item["entry_type"] for item in error["invalid"]} == {"query_param"}


@pytest.mark.parametrize(
    ("path", "query", "named"),
    [
        (LOGS, "from=2026-01-02&to=2026-01-01", {"$.from", "$.to"}),
        (LOGS, "from=0001-01-01T00:00:00%2B14:00", {"$.from"}),
        (LOGS, "to=9999-12-31T23:59:59-14:00", {"$.to"}),
        (LOGS, "from=2026-01-01T00:00:00+02:00", {"$.from"}),
        (LOGS, "page_size=0", {"$.page_size"}),
        (LOGS, "page_size=%D9%A1", {"$.page_size"}),
        (LOGS, "page_size=1&page_size=2", {"$.page_size"}),
        (LOGS, "cursor=AAAA", {"$.cursor"}),
        (LOGS, "cursor=" + "%C3%A9" * 43, {"$.cursor"}),
        (LOGS, "request_id=%ff%fe", {"$.request_id"}),
        (LOGS, "resource_type=" + "a" * 256, {"$.resource_type"}),
        (LOGS, "resource_type=%1b%5B2J", {"$.resource_type"}),
        (LOGS, "%ff=1", {"$.?"}),
        (f"{LOGS}/summary", "from=2026-01-01&to=2026-12-31", {"$.from", "$.to"}),
        (f"{LOGS}/summary", "page_size=1", {"$.page_size"}),
        (f"{LOGS}/integrity", "x=1", {"$.x"}),
        (f"{LOGS}/export", "format=xml", {"$.format"}),
        (f"{LOGS}/export", "cursor=AAAA", {"$.cursor"}),
        ("/api/token_logs/export", "format=fhir", {"$.format"}),
        ("/api/token_logs", "type=x", {"$.type"}),
        ("/api/audit_queries", "rule=rule_1", {"$.rule"}),
        (f"/api/patients/{NOBODY}/access", "patient_id=1", {"$.patient_id"}),
    ],
)
async def test_an_unfit_query_is_refused(
    audit: Audit, path: str, query: str, named: set[str]
) -> None:
    answer = await asked_raw(audit, f"{path}?{query}")

    assert answer[0] == 422, answer
    entries = {
        item["entry"].replace("\N{REPLACEMENT CHARACTER}", "?") for item in answer[1]
    }
    assert entries == named


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{LOGS}/not-an-id", 400),
        (f"{LOGS}/{NOBODY}", 404),
        ("/api/patients/1/access", 400),
        (f"{LOGS}?request_id=%00", 400),
        (f"{LOGS}/%00", 400),
        (f"{LOGS}?patient_id=", 200),
    ],
)
async def test_other_mistakes_are_answered_as_such(
    audit: Audit, path: str, status: int
) -> None:
    assert (await asked_raw(audit, path))[0] == status


async def asked_raw(audit: Audit, target: str) -> tuple[int, list[Any]]:
    """The answer to a target that goes out as it is."""
    value = await audit.token(READ, EXPORT)
    url = URL(str(audit.public.make_url("/")).rstrip("/") + target, encoded=True)
    headers = {"Authorization": f"Bearer {value}"}
    async with audit.public.session.get(url, headers=headers) as answer:
        body = await answer.json()
    return answer.status, body.get("error", {}).get("invalid", [])
