"""Exports: whole files, in bounded memory, and a cut-off one that can be told."""

import asyncio
import csv
import io
import tracemalloc
from datetime import timedelta
from typing import Any
from uuid import uuid4

import aiohttp
import orjson
import pytest
from aiohttp.test_utils import TestClient, TestServer
from fhir.resources.R4B.auditevent import AuditEvent

from services.abac_log_consumer.app import build
from tests.integration.abac_log_auditors.conftest import EXPORT, Audit, audit_settings

PATH = "/api/abac_logs/export"
MEGABYTE = 1 << 20
MANY = 30_000  # more than what sockets hold: some 20 MB


async def test_ndjson_has_the_records_of_the_list_one_a_line(audit: Audit) -> None:
    patient = uuid4()
    await audit.records.decisions(3, patient_id=patient)
    await audit.records.decisions(2)

    answer = await audit.get(PATH, EXPORT, patient_id=patient)

    lines = (await answer.read()).splitlines()
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    listed = await audit.listed("/api/abac_logs", patient_id=patient)
    assert [orjson.loads(line) for line in lines] == listed


async def test_csv_has_a_header_and_no_cell_that_is_a_formula(audit: Audit) -> None:
    await audit.records.decisions(
        resource_type='=HYPERLINK("x")', rules=["rule_1", "rule_4"], request_id="a,b\n"
    )

    answer = await audit.get(PATH, EXPORT, format="csv")

    text = (await answer.read()).decode()
    [row] = list(csv.DictReader(io.StringIO(text, newline="")))
    assert row["resource_type"] == '\'=HYPERLINK("x")'
    assert row["rules"] == "rule_1 rule_4"
    assert row["request_id"] == "a,b\n"
    assert row["result"] == "true"
    assert text.endswith("\r\n")


async def test_an_export_of_nothing_is_whole(audit: Audit) -> None:
    ndjson = await audit.get(PATH, EXPORT, user_id=uuid4())
    table = await audit.get("/api/token_logs/export", EXPORT, format="csv")

    assert await ndjson.read() == b""
    assert (await table.read()).startswith(b"id,type,at,")


async def test_fhir_is_an_audit_event_a_line(audit: Audit) -> None:
    context = {"type": "patient", "id": str(uuid4())}
    await audit.records.decisions(contexts=[context], rules=["rule_1", "rule_4"])
    await audit.records.decisions(
        result=False, rules=[], reason="no_rule_matched", patient_id=None
    )

    answer = await audit.get(PATH, EXPORT, format="fhir")

    assert answer.headers["Content-Type"] == "application/fhir+ndjson"
    events = [orjson.loads(line) for line in (await answer.read()).splitlines()]
    for event in events:
        AuditEvent.model_validate(event)
    assert sorted(event["outcome"] for event in events) == ["0", "8"]


async def test_token_events_are_exported_too(audit: Audit) -> None:
    await audit.records.token_events(3, data={"count": 1})

    answer = await audit.get("/api/token_logs/export", EXPORT)

    lines = (await answer.read()).splitlines()
    assert [orjson.loads(line)["data"] for line in lines] == [{"count": 1}] * 3


async def test_a_client_that_goes_away_ends_its_query(audit: Audit) -> None:
    await audit.records.decisions(MANY, apart=timedelta(milliseconds=1))
    answer = await audit.get(PATH, EXPORT)
    assert await answer.content.readline()
    assert await exports_under_way(audit) == 1

    answer.close()

    [end] = await ended_exports(audit)
    async with asyncio.timeout(10):
        while await exports_under_way(audit):
            await asyncio.sleep(0.01)
    assert end["complete"] is False
    assert 0 < end["rows"] < MANY


async def test_an_export_that_is_cut_off_is_no_whole_body(audit: Audit) -> None:
    await audit.records.decisions(MANY, apart=timedelta(milliseconds=1))
    answer = await audit.get(PATH, EXPORT)
    await answer.content.readline()

    ended = await audit.records.owner.fetchval(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
        "WHERE application_name = 'abac-log-consumer exports' AND datname = current_database()"
    )

    assert ended == 1
    with pytest.raises(aiohttp.ClientPayloadError):
        await answer.read()
    [end] = await ended_exports(audit)
    assert end["complete"] is False


async def test_a_large_export_takes_no_more_memory_than_a_small_one(audit: Audit) -> None:
    await audit.records.decisions(MANY, apart=timedelta(milliseconds=1))
    tracemalloc.start()
    answer = await audit.get(PATH, EXPORT)
    size = 0
    async for chunk in answer.content.iter_any():
        size += len(chunk)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert size > 18 * MEGABYTE
    assert peak < 10 * MEGABYTE


async def test_exports_have_room_for_so_many_and_lists_go_on_beside(
    audit: Audit, audit_database: str
) -> None:
    await audit.records.decisions(MANY, apart=timedelta(milliseconds=1))
    url = audit.built.deps.settings.mithril_api_url
    built = build(audit_settings(audit_database, url, exports_most=1), clock=audit.clock)
    headers = await bearer(audit, EXPORT, "abac_log:read")
    async with TestClient(TestServer(built.public)) as client:
        going = await client.get(PATH, headers=headers)
        await going.content.readline()

        refused = await client.get(PATH, headers=headers)
        listed = await client.get("/api/abac_logs", headers=headers)
        assert (refused.status, listed.status) == (429, 200)
        assert refused.headers["Retry-After"] == "30"

        body = await going.read()
        assert body.count(b"\n") == MANY - 1
        after = await client.get(PATH, headers=headers, params={"user_id": str(uuid4())})
        assert after.status == 200
    await built.deps.db.dispose()


async def test_a_client_that_stops_reading_is_not_waited_for(
    audit: Audit, audit_database: str
) -> None:
    await audit.records.decisions(MANY, apart=timedelta(milliseconds=1))
    url = audit.built.deps.settings.mithril_api_url
    settings = audit_settings(audit_database, url, export_stall_seconds=0.2)
    built = build(settings, clock=audit.clock)
    async with TestClient(TestServer(built.public)) as client:
        going = await client.get(PATH, headers=await bearer(audit, EXPORT))
        [end] = await ended_exports(audit)
        with pytest.raises(aiohttp.ClientPayloadError):
            await going.read()
    assert end["complete"] is False
    await built.deps.db.dispose()


async def bearer(audit: Audit, *scope: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {await audit.token(*scope)}"}


async def exports_under_way(audit: Audit) -> int:
    """Transactions of exports that the server has open."""
    number: int = await audit.records.owner.fetchval(
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE application_name = 'abac-log-consumer exports' AND xact_start IS NOT NULL "
        "AND datname = current_database()"
    )
    return number


async def ended_exports(audit: Audit) -> list[dict[str, Any]]:
    """How exports ended, once one has."""
    query = "SELECT rows, complete FROM audit_query_ends"
    async with asyncio.timeout(10):
        while not (rows := await audit.records.owner.fetch(query)):
            await asyncio.sleep(0.01)
    return [dict(row) for row in rows]
