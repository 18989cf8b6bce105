"""Who may ask: auditors by scope, patients about themselves, nobody else."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from aiohttp.test_utils import TestClient, TestServer

from services.abac_log_consumer.app import build
from tests.integration.abac_log_auditors.conftest import (
    EXPORT,
    READ,
    Audit,
    audit_settings,
)

NOBODY = UUID("00000000-0000-4000-8000-000000000009")
OF_READERS = (
    "/api/abac_logs",
    "/api/abac_logs/summary",
    "/api/abac_logs/integrity",
    f"/api/abac_logs/{NOBODY}",
    "/api/token_logs",
    "/api/audit_queries",
    f"/api/patients/{NOBODY}/access",
)
OF_EXPORTERS = ("/api/abac_logs/export", "/api/token_logs/export")
MISSING = "Your scope does not allow to access this resource. Missing allowances: "


@pytest.mark.parametrize("path", [*OF_READERS, *OF_EXPORTERS])
async def test_without_a_live_token_nothing_is_shown(audit: Audit, path: str) -> None:
    old = await audit.token(READ, EXPORT, lives=timedelta(seconds=30))
    audit.clock.advance(timedelta(seconds=31))

    answers = [
        await audit.public.get(path),
        await audit.ask(path, old),
        await audit.ask(path, "../admin"),
        await audit.ask(path, "A" * 32),
    ]

    for answer in answers:
        assert answer.status == 401
        body = await answer.json()
        assert body["error"] == {"type": "access_denied", "message": "Invalid access token"}
    assert await asked_so_far(audit) == 0


@pytest.mark.parametrize(
    ("path", "held", "missing"),
    [(path, EXPORT, READ) for path in OF_READERS]
    + [(path, READ, EXPORT) for path in OF_EXPORTERS],
)
async def test_a_token_without_the_scope_is_told_which_is_missing(
    audit: Audit, path: str, held: str, missing: str
) -> None:
    answer = await audit.get(path, held)

    assert answer.status == 403
    error = (await answer.json())["error"]
    assert error == {"type": "forbidden", "message": MISSING + missing}
    assert await asked_so_far(audit) == 0


async def test_a_patient_sees_who_looked_at_their_data_and_at_no_one_elses(
    audit: Audit,
) -> None:
    patient = uuid4()
    await audit.make_patient(patient)
    [event_id] = await audit.records.decisions(patient_id=patient)
    await audit.records.decisions(2)

    own = await audit.get(f"/api/patients/{patient}/access", "person:read")
    others = await audit.get(f"/api/patients/{uuid4()}/access", "person:read")

    assert [entry["id"] for entry in (await own.json())["data"]] == [str(event_id)]
    assert others.status == 403
    assert (await others.json())["error"]["message"] == MISSING + READ


async def test_without_mithril_api_the_answer_is_to_come_back_later(audit: Audit) -> None:
    value = await audit.token(READ)
    await audit.mithril_server.close()

    answer = await audit.ask("/api/abac_logs", value)

    assert answer.status == 503
    assert answer.headers["Retry-After"] == "1"


async def test_a_service_token_that_mithril_api_refuses_is_no_fault_of_the_auditor(
    audit: Audit, audit_database: str
) -> None:
    settings = audit_settings(
        audit_database,
        audit.built.deps.settings.mithril_api_url,
        service_tokens=("another",),
    )
    built = build(settings, clock=audit.clock)
    value = await audit.token(READ)
    async with TestClient(TestServer(built.public)) as client:
        headers = {"Authorization": f"Bearer {value}"}
        answer = await client.get("/api/abac_logs", headers=headers)
        assert answer.status == 503
    await built.deps.db.dispose()


async def asked_so_far(audit: Audit) -> int:
    number: int = await audit.records.owner.fetchval("SELECT count(*) FROM audit_queries")
    return number
