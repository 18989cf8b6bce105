"""Lists: what each filter chooses, and pages that stay put while records arrive."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.abac_log_consumer.actions import list_entries
from tests.integration.abac_log_auditors.conftest import Audit

LOGS = "/api/abac_logs"


async def test_a_decision_is_shown_whole(audit: Audit) -> None:
    patient, episode, mis = uuid4(), uuid4(), uuid4()
    context = {"type": "patient", "id": str(patient)}
    [event_id] = await audit.records.decisions(
        patient_id=patient, resource_id=episode, mis_client_id=mis, contexts=[context]
    )

    [entry] = await audit.listed(LOGS, patient_id=patient)

    at = audit.records.now
    decision_id = entry.pop("decision_id")
    assert str(UUID(decision_id)) == decision_id
    consumer = entry.pop("consumer")
    assert consumer["mis_client_id"] == str(mis)
    assert consumer["client_name"] == "Clinic"
    assert entry == {
        "id": str(event_id),
        "decided_at": (at - timedelta(seconds=1)).isoformat(),
        "inserted_at": at.isoformat(),
        "resource": {"type": "episode", "id": str(episode), "action": "read"},
        "contexts": [context],
        "patient_id": str(patient),
        "result": True,
        "rules": ["rule_1"],
        "reason": None,
        "policy_version": "v1",
        "request_id": "request-1",
        "trace_id": None,
        "source": {"name": "abac-api", "sequence": 1},
        "proof": {
            "chain": "abac.decisions/0",
            "offset": 1,
            "sequence": 1,
            "hash": "02",
            "previous_hash": "01",
        },
    }


SOMEONE = UUID("00000000-0000-4000-8000-000000000001")


@pytest.mark.parametrize(
    ("name", "wanted", "recorded"),
    [
        ("patient_id", SOMEONE, {"patient_id": SOMEONE}),
        ("user_id", SOMEONE, {"user_id": SOMEONE}),
        ("client_id", SOMEONE, {"client_id": SOMEONE}),
        ("mis_client_id", SOMEONE, {"mis_client_id": SOMEONE}),
        ("resource_type", "care_plan", {"resource_type": "care_plan"}),
        ("resource_id", SOMEONE, {"resource_id": SOMEONE}),
        ("action", "write", {"action": "write"}),
        ("result", "false", {"result": False, "rules": [], "reason": "no_rule_matched"}),
        ("rule", "rule_-2", {"rules": ["rule_-1", "rule_-2"]}),
        ("request_id", "a b'; --", {"request_id": "a b'; --"}),
    ],
)
async def test_a_filter_chooses_its_records_alone(
    audit: Audit, name: str, wanted: object, recorded: dict[str, Any]
) -> None:
    await audit.records.decisions(3)
    chosen = await audit.records.decisions(2, **recorded)

    entries = await audit.listed(LOGS, **{name: wanted})

    assert [entry["id"] for entry in entries] == [str(event_id) for event_id in chosen]


async def test_a_period_has_its_beginning_and_not_its_end(audit: Audit) -> None:
    ids = await audit.records.decisions(4)  # 1 … 4 seconds ago
    now = audit.records.now

    entries = await audit.listed(
        LOGS,
        from_=(now - timedelta(seconds=3)).isoformat(),
        to=(now - timedelta(seconds=1)).isoformat(),
    )

    assert [entry["id"] for entry in entries] == [str(ids[1]), str(ids[2])]


async def test_pages_show_every_record_once_while_others_arrive(audit: Audit) -> None:
    patient = uuid4()
    ids = await audit.records.decisions(5, patient_id=patient)
    # Of one moment: told apart by id alone.
    ids += sorted(
        await audit.records.decisions(
            4,
            patient_id=patient,
            at=audit.records.now - timedelta(seconds=9),
            apart=timedelta(0),
        ),
        reverse=True,
    )
    seen: list[str] = []
    cursor: str | None = None
    while True:
        query = {"cursor": cursor} if cursor else {}
        answer = await audit.get(LOGS, patient_id=patient, page_size=2, **query)
        body = await answer.json()
        seen += [entry["id"] for entry in body["data"]]
        assert body["paging"]["page_size"] == 2
        cursor = body["paging"]["next_cursor"]
        if cursor is None:
            break
        await audit.records.decisions(patient_id=patient)

    assert seen == [str(event_id) for event_id in ids]


async def test_a_search_that_takes_long_gives_short_pages_and_goes_on_where_it_stopped(
    audit: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every span is more than it has patience for, so that each page is one."""
    monkeypatch.setattr(list_entries, "PATIENCE", 0.0)
    rare: list[str] = []
    for hours in (0, 1, 30):
        at = audit.records.now - timedelta(hours=hours)
        ids = await audit.records.decisions(3, at=at, rules=["rule_18"])
        rare += map(str, ids)
        await audit.records.decisions(3, at=at)
    seen: list[str] = []
    sizes: set[int] = set()
    cursor: str | None = ""
    while cursor is not None:
        query = {"cursor": cursor} if cursor else {}
        answer = await audit.get(LOGS, rule="rule_18", page_size=2, **query)
        body = await answer.json()
        seen += [entry["id"] for entry in body["data"]]
        sizes.add(len(body["data"]))
        cursor = body["paging"]["next_cursor"]

    assert seen == rare
    assert sizes == {0, 1, 2}


async def test_a_search_of_a_period_stays_within_it(audit: Audit) -> None:
    for days in range(4):
        at = audit.records.now - timedelta(days=days)
        await audit.records.decisions(2, at=at, action="write", request_id=f"day-{days}")

    within = {
        "from_": audit.records.now - timedelta(days=2, hours=1),
        "to": audit.records.now - timedelta(hours=1),
    }
    found = await audit.listed(LOGS, action="write", **within)
    none = await audit.listed(LOGS, action="write", from_="2030-01-01")

    assert [entry["request_id"] for entry in found] == ["day-1"] * 2 + ["day-2"] * 2
    assert none == []


async def test_token_events_are_searched_by_type(audit: Audit) -> None:
    await audit.records.token_events(2)
    await audit.records.token_events(3, kind="mithril.token.revoked.v1")

    found = await audit.listed("/api/token_logs", type="mithril.token.revoked.v1")
    nothing = await audit.listed("/api/token_logs", type="mithril.token.lost.v1")

    assert (len(found), nothing) == (3, [])


async def test_a_cursor_of_another_query_is_refused(audit: Audit) -> None:
    await audit.records.decisions(3)
    body = await (await audit.get(LOGS, page_size=1)).json()
    cursor = body["paging"]["next_cursor"]

    other = await audit.get(LOGS, cursor=cursor, result="true")
    broken = await audit.get(LOGS, cursor=cursor[:-1] + chr(ord(cursor[-1]) ^ 1))

    for answer in (other, broken):
        assert answer.status == 422
        [entry] = (await answer.json())["error"]["invalid"]
        assert (entry["entry"], entry["entry_type"]) == ("$.cursor", "query_param")


async def test_token_events_are_listed_with_todays_name_of_their_client(
    audit: Audit,
) -> None:
    user, client = uuid4(), uuid4()
    await audit.records.token_events(2)
    await audit.records.token_events(user_id=user, client_id=client, data={"count": 3})
    await audit.records.owner.execute(
        "INSERT INTO client_names VALUES ($1, 'Clinic No 5', 'MSP', now())", client
    )

    [entry] = await audit.listed("/api/token_logs", user_id=user)

    assert entry["client_name"] == "Clinic No 5"
    assert entry["data"] == {"count": 3}
    assert len(await audit.listed("/api/token_logs", type="mithril.token.issued.v1")) == 3
    assert await audit.listed("/api/token_logs", type="mithril.token.revoked.v1") == []
