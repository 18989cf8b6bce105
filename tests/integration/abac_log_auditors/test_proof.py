"""A record with its proof, the log's integrity, counts, and the record of who asked."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg

from services.abac_log_consumer.domain.filters import LONGEST_SUMMARY
from tests.integration.abac_log_auditors.conftest import EXPORT, READ, Audit

LOGS = "/api/abac_logs"


async def test_a_record_comes_with_the_next_checkpoint_that_covers_it(
    audit: Audit,
) -> None:
    ids = await audit.records.decisions(9)
    await checkpoint(audit, 4)
    await checkpoint(audit, 6)
    await checkpoint(audit, 8)

    answer = await audit.get(f"{LOGS}/{ids[4]}")

    proof = (await answer.json())["data"]["proof"]
    signed = proof.pop("checkpoint")
    assert proof.pop("next") == {
        "id": str(ids[5]),
        "sequence": 6,
        "hash": "02",
        "previous_hash": "01",
    }
    assert proof == {
        "chain": "abac.decisions/0",
        "offset": 5,
        "sequence": 5,
        "hash": "02",
        "previous_hash": "01",
    }
    assert signed["sequence"] == 6
    assert signed["signature"] == "05"


async def test_a_record_that_no_checkpoint_covers_yet_says_so(audit: Audit) -> None:
    ids = await audit.records.decisions(2)
    await checkpoint(audit, 1)

    answer = await audit.get(f"{LOGS}/{ids[1]}")

    proof = (await answer.json())["data"]["proof"]
    assert (proof["checkpoint"], proof["next"]) == (None, None)


async def test_integrity_tells_chains_their_checkpoints_and_what_is_missing(
    audit: Audit,
) -> None:
    await chain(audit, records=10)
    await checkpoint(audit, 7)
    await numbers(audit, "mithril-api", 0, "1" * 10)
    await numbers(audit, "abac-api", 0, "1" * 4090 + "0" * 6)
    await numbers(audit, "abac-api", 2, "0" + "1" * 4095)
    await numbers(audit, "abac-api", 3, "1011")
    audit.built.deps.metrics.lag.labels("abac.decisions", "0").set(12)

    data = (await (await audit.get(f"{LOGS}/integrity")).json())["data"]

    assert data["complete"] is False
    [only] = data["chains"]
    assert only["chain"] == "abac.decisions/0"
    assert only["head_hash"] == "04"
    assert only["checkpoint"]["sequence"] == 7
    assert (only["records"], only["unsigned_records"], only["lag"]) == (10, 3, 12)
    assert data["sources"] == [
        {
            "source": "abac-api",
            "highest_sequence": 3 * 4096 + 4,
            "records": 4090 + 4095 + 3,
            "missing": 6 + 4096 + 1 + 1,
            "complete": False,
            "gaps": [
                {"from": 4091, "to": 2 * 4096 + 1},
                {"from": 3 * 4096 + 2, "to": 3 * 4096 + 2},
            ],
        },
        {
            "source": "mithril-api",
            "highest_sequence": 10,
            "records": 10,
            "missing": 0,
            "complete": True,
            "gaps": [],
        },
    ]


async def test_a_log_without_gaps_is_complete(audit: Audit) -> None:
    await numbers(audit, "abac-api", 0, "1" * 4096)
    await numbers(audit, "abac-api", 1, "1")

    data = (await (await audit.get(f"{LOGS}/integrity")).json())["data"]

    assert data["complete"] is True
    assert data["chains"] == []


async def test_decisions_are_counted_by_day_result_rule_reason_and_client(
    audit: Audit,
) -> None:
    clinic, other = uuid4(), uuid4()
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    day = timedelta(days=1)
    add = audit.records.decisions
    await add(3, at=noon, client_id=clinic, rules=["rule_1", "rule_4"])
    await add(2, at=noon + day, client_id=clinic, result=False, rules=[], reason="no_rule")
    await add(1, at=noon + day, client_id=other, client_name=None, rules=["rule_1"])
    await add(5, at=noon + 9 * day)  # after the period
    period = {"from_": noon - day, "to": noon + 5 * day}

    answer = await audit.get(f"{LOGS}/summary", **iso(period))

    data = (await answer.json())["data"]
    assert data == {
        "from": "2026-03-01T12:00:00+00:00",
        "to": "2026-03-07T12:00:00+00:00",
        "total": 6,
        "by_day": [
            {"day": "2026-03-02", "permitted": 3, "refused": 0, "total": 3},
            {"day": "2026-03-03", "permitted": 1, "refused": 2, "total": 3},
        ],
        "by_result": {"true": 4, "false": 2},
        "by_rule": [{"rule": "rule_1", "total": 4}, {"rule": "rule_4", "total": 3}],
        "by_reason": [{"reason": "no_rule", "total": 2}],
        "by_client": [
            {
                "client_id": str(clinic),
                "client_name": "Clinic",
                "permitted": 3,
                "refused": 2,
                "total": 5,
            },
            {
                "client_id": str(other),
                "client_name": None,
                "permitted": 1,
                "refused": 0,
                "total": 1,
            },
        ],
    }


async def test_a_summary_without_a_period_is_of_the_last_thirty_days(audit: Audit) -> None:
    now = audit.clock.now()
    await audit.records.decisions(2, at=now)
    await audit.records.decisions(4, at=now - LONGEST_SUMMARY)

    data = (await (await audit.get(f"{LOGS}/summary")).json())["data"]

    assert data["total"] == 2


async def test_every_query_is_written_down_before_it_is_answered(audit: Audit) -> None:
    patient = uuid4()
    await audit.records.decisions(2, patient_id=patient)
    await audit.make_patient(patient)
    absent = uuid4()
    step = timedelta(seconds=1)
    for path, query in (
        (LOGS, {"patient_id": patient}),
        (f"{LOGS}/{absent}", {}),
        (f"{LOGS}/integrity", {}),
        ("/api/token_logs", {"type": "mithril.token.issued.v1"}),
    ):
        await audit.get(path, **query)
        audit.clock.advance(step)
    await audit.get(f"/api/patients/{patient}/access", "person:read", result="true")
    audit.clock.advance(step)
    await (await audit.get("/api/abac_logs/export", EXPORT, format="csv")).read()
    audit.clock.advance(step)

    queries = await audit.listed("/api/audit_queries", user_id=audit.world.user_id)

    assert [(q["operation"], q["filters"], q["rows"], q["complete"]) for q in queries] == [
        ("abac_logs_export", {"format": "csv"}, 2, True),
        ("patient_access", {"patient_id": str(patient), "result": True}, 2, None),
        ("token_logs", {"type": "mithril.token.issued.v1"}, 0, None),
        ("integrity", {}, 0, None),
        ("abac_log", {"id": str(absent)}, 0, None),
        ("abac_logs", {"patient_id": str(patient)}, 2, None),
    ]
    assert {q["client_id"] for q in queries} == {str(audit.world.client_id)}


async def test_a_query_is_told_by_its_request_id_and_listed_by_pages(audit: Audit) -> None:
    value = await audit.token(READ)
    headers = {"Authorization": f"Bearer {value}", "X-Request-ID": "asked-1"}
    await audit.public.get(LOGS, headers=headers)
    audit.clock.advance(timedelta(seconds=1))
    await audit.get(LOGS)
    audit.clock.advance(timedelta(seconds=1))

    first = await (await audit.get("/api/audit_queries", page_size=1)).json()
    cursor = first["paging"]["next_cursor"]
    second = await (await audit.get("/api/audit_queries", cursor=cursor)).json()

    assert len(first["data"]) == 1
    assert [query["request_id"] for query in second["data"]] == ["asked-1"]
    assert second["paging"]["next_cursor"] is None


def iso(moments: dict[str, datetime]) -> dict[str, str]:
    return {name: moment.isoformat() for name, moment in moments.items()}


async def checkpoint(audit: Audit, sequence: int) -> None:
    await audit.records.owner.execute(
        "INSERT INTO checkpoints VALUES "
        "(gen_random_uuid(), 'abac.decisions', 0, $1, '\\x03', now(), 'key', '\\x05')",
        sequence,
    )


async def chain(audit: Audit, **but: Any) -> None:
    await audit.records.owner.execute(
        'INSERT INTO chains (topic, "partition", chain_sequence, head_hash) '
        "VALUES ('abac.decisions', 0, $1, '\\x04')",
        but["records"],
    )


async def numbers(audit: Audit, source: str, bucket: int, seen: str) -> None:
    await audit.records.owner.execute(
        "INSERT INTO source_sequences (source, bucket, seen) VALUES ($1, $2, $3)",
        source,
        bucket,
        asyncpg.BitString(seen.ljust(4096, "0")),
    )
