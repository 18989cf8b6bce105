"""The auditors' pages: search, timeline, a record with its proof, exports, integrity."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import orjson
import pytest

from services.abac_log_consumer.actions.sign_checkpoints import sign_checkpoints
from tests.console import NOBODY, Console, words
from tests.integration.abac_log_auditors.records import Records
from tests.integration.abac_log_consumer.ledger import (
    Source,
    a_client,
    delivered,
    keep,
)
from tests.integration.admin_web.conftest import Opened
from tests.pages import Browser, Page


@pytest.fixture
async def owner(audit_database: str) -> AsyncIterator[asyncpg.Connection]:
    conn = await asyncpg.connect(audit_database)
    yield conn
    await conn.close()


@pytest.fixture
def records(owner: asyncpg.Connection, console: Console) -> Records:
    return Records(owner, console.clock.now())


def found_in(page: Page) -> list[str]:
    """The records that a page leads to."""
    shown = ("queries", "accounts", "integrity", "export")
    return [
        link
        for link in page.links
        if link.startswith("/audit/")
        and not link.startswith(tuple(f"/audit/{s}" for s in shown))
    ]


async def recorded(console: Console, number: int = 3) -> None:
    """Record decisions as they come from Kafka, and sign a checkpoint over them."""
    deps = console.audit.deps
    await keep(deps, delivered(Source().decisions(number)))
    console.clock.advance(deps.settings.checkpoint_age())
    assert await sign_checkpoints(deps) == 1


async def test_decisions_are_found_by_each_of_their_attributes(
    browser: Browser, records: Records
) -> None:
    wanted: dict[str, Any] = {
        "patient_id": uuid4(),
        "user_id": uuid4(),
        "client_id": uuid4(),
        "resource_type": "encounter",
        "resource_id": uuid4(),
        "action": "write",
        "request_id": "request & more",
    }
    [one] = await records.decisions(
        1, result=False, rules=["rule_7"], reason="no_rule_matched", **wanted
    )
    await records.decisions(5)
    for name, value in {**wanted, "result": "false", "rule": "rule_7"}.items():
        query = str(value).replace(" ", "+").replace("&", "%26")
        page = await browser.get(f"/audit?{name}={query}")
        assert found_in(page) == [f"/audit/{one}"], name
        assert "Refused" in page.text


async def test_the_timeline_has_the_same_numbers_as_its_table(
    console: Console, browser: Browser, records: Records
) -> None:
    day = timedelta(days=1)
    now = console.clock.now()
    await records.decisions(4, at=now)
    await records.decisions(2, at=now - day, result=False, rules=[], reason="no_rule")

    page = await browser.get("/audit")

    assert "Decisions 6 Allowed 4 Refused 2" in words(page)
    assert "<svg" in page.body
    assert f"{now - day:%Y-%m-%d}" in page.text
    assert f"{now - timedelta(seconds=5):%Y-%m-%d}" in page.text


async def test_a_long_list_is_read_on_to_older_records_and_back(
    browser: Browser, records: Records
) -> None:
    patient = uuid4()
    ids = [f"/audit/{item}" for item in await records.decisions(60, patient_id=patient)]

    first = await browser.get(f"/audit?patient_id={patient}")
    [older] = [link for link in first.links if "cursor=" in link]
    second = await browser.get(older)

    assert found_in(first) + found_in(second) == ids
    assert "Nothing older matches." in second.text
    assert f"/audit?patient_id={patient}" in second.links


async def test_a_record_is_shown_with_a_proof_that_holds(
    console: Console, browser: Browser
) -> None:
    await recorded(console)
    newest, middle, _ = found_in(await browser.get("/audit"))

    page = await browser.get(middle)
    last = await browser.get(newest)

    assert "Proof Holds" in page.text
    assert "They are the same" in page.text
    assert "It follows this record" in page.text
    assert "The signature is right" in page.text
    assert "There is none yet." in last.text
    assert "Proof Holds" in last.text


async def test_a_record_that_was_changed_in_the_database_is_seen_at_once(
    console: Console, browser: Browser, owner: asyncpg.Connection
) -> None:
    await recorded(console)
    path = found_in(await browser.get("/audit"))[1]
    await owner.execute("UPDATE decisions SET result = NOT result")

    page = await browser.get(path)

    assert "Proof Does not hold" in page.text
    assert "They differ: the record was changed" in page.text


async def test_a_checkpoint_that_was_forged_is_seen_at_once(
    console: Console, browser: Browser, owner: asyncpg.Connection
) -> None:
    await recorded(console)
    await owner.execute("UPDATE checkpoints SET head_hash = sha256(head_hash)")

    page = await browser.get(found_in(await browser.get("/audit"))[0])

    assert "Proof Does not hold" in page.text
    assert "The signature is wrong" in page.text
    assert "It signs another hash" in page.text


async def test_a_record_without_a_checkpoint_says_that_it_waits_for_one(
    console: Console, browser: Browser
) -> None:
    await keep(console.audit.deps, delivered(Source().decisions(1)))
    page = await browser.get(found_in(await browser.get("/audit"))[0])
    assert "Holds as far as it could be checked" in page.text
    assert "None covers this record yet" in page.text


@pytest.mark.parametrize(
    "query",
    [
        "patient_id=%3Cscript%3Ealert(1)%3C/script%3E",
        "rule=x",
        "from=never",
        "to=2026-01-01&from=2027-01-01",
        "cursor=forged",
        "request_id=" + "x" * 300,
    ],
)
async def test_a_filter_that_cannot_be_taken_is_named_beside_what_was_typed(
    browser: Browser, query: str
) -> None:
    page = await browser.get(f"/audit?{query}")
    assert page.status == 422
    assert page.alert
    assert "<script" not in page.body


@pytest.mark.parametrize("record", ["x", NOBODY, "export%2f.."])
async def test_a_record_that_is_not_there_is_a_page(browser: Browser, record: str) -> None:
    assert (await browser.get(f"/audit/{record}")).status == 404


@pytest.mark.parametrize(
    ("form", "kind"),
    [
        ("ndjson", "application/x-ndjson"),
        ("csv", "text/csv"),
        ("fhir", "application/fhir+ndjson"),
    ],
)
async def test_what_matches_is_exported_whole(
    browser: Browser, records: Records, form: str, kind: str
) -> None:
    patient = uuid4()
    await records.decisions(700, patient_id=patient)
    await records.decisions(5)

    file = await browser.get(f"/audit/export?format={form}&patient_id={patient}")

    assert file.status == 200
    assert file.headers["Content-Type"].startswith(kind)
    assert "attachment" in file.headers["Content-Disposition"]
    lines = file.body.splitlines()
    assert len(lines) == 700 + (form == "csv")
    if form == "ndjson":
        assert {orjson.loads(line)["patient_id"] for line in lines} == {str(patient)}


async def test_an_export_needs_its_own_scope_and_shows_no_button_without(
    browser_with: Opened,
) -> None:
    reader = await browser_with("abac_log:read")
    page = await reader.get("/audit")
    assert [link for link in page.links if "export" in link] == []
    assert (await reader.get("/audit/export?format=csv")).status == 403


@pytest.mark.parametrize("query", ["format=exe", "format=csv&patient_id=x"])
async def test_an_export_that_cannot_be_is_a_page_that_says_why(
    browser: Browser, query: str
) -> None:
    page = await browser.get(f"/audit/export?{query}")
    assert page.status == 400
    assert "is invalid" in page.text


async def test_the_account_log_tells_what_was_done_and_by_whom(
    console: Console, browser: Browser
) -> None:
    source, client = Source(), uuid4()
    await keep(console.audit.deps, delivered([source.tell(a_client(client, "Clinic"))]))

    page = await browser.get(f"/audit/accounts?client_id={client}")
    file = await browser.get(f"/audit/accounts/export?format=csv&client_id={client}")

    assert "mithril.client.created.v1" in page.text
    assert len(file.body.splitlines()) == 2
    assert (await browser.get("/audit/accounts?type=x")).status == 422


async def test_integrity_says_what_is_whole_and_what_is_missing(
    console: Console, browser: Browser
) -> None:
    source = Source()
    await keep(console.audit.deps, delivered(source.decisions(3)))
    whole = await browser.get("/audit/integrity")
    _lost, *kept = source.decisions(3)
    await keep(console.audit.deps, delivered(kept, first=3))

    page = await browser.get("/audit/integrity")

    assert "The log is complete." in whole.text
    assert "Something is missing." in page.text
    assert "Incomplete 6 5 1 4–4" in words(page)
    assert "abac.decisions/0" in page.text


async def test_whoever_looks_is_written_down(console: Console, browser: Browser) -> None:
    patient = uuid4()
    await browser.get(f"/audit?patient_id={patient}")
    page = await browser.get("/audit/queries")
    assert str(patient) in page.text
    assert str(console.operator_id)[:8] in page.text
