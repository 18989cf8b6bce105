"""Recording from Kafka to PostgreSQL: what is kept, once, whatever happens."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from uuid import uuid4

import orjson
import pytest

from services.abac_log_consumer.app import Built
from shared.events.accounts import ClientUpdated
from shared.models.access import Consumer
from shared.runtime.embedded_kafka import EmbeddedKafka
from tests.integration.abac_log_consumer.ledger import (
    NOON,
    Record,
    Source,
    a_client,
    a_decision,
    a_revocation,
    count_of,
    fetch,
    publish,
    recording,
    until,
)
from tests.reading import read


async def test_a_decision_is_kept_with_all_that_was_said_of_it(
    audit_database: str, kafka_bootstrap: str
) -> None:
    source, event = Source(), a_decision(result=False, rules=(), reason="no_rule_matched")

    async with recording(audit_database, kafka_bootstrap):
        await publish(kafka_bootstrap, [source.tell(event)])
        await until(count_of(audit_database, source), 1)

    (row,) = await fetch(
        audit_database, "SELECT * FROM decisions WHERE source = $1", source.name
    )
    assert row["decision_id"] == event.decision_id
    assert row["user_id"] == event.consumer.user_id
    assert row["client_type"] == "MSP"
    assert row["resource_type"] == "condition"
    assert row["resource_id"] == event.resource.id
    assert row["action"] == "read"
    assert row["patient_id"] == event.patient_id
    assert orjson.loads(row["contexts"]) == [
        {"type": "patient", "id": str(event.contexts[0].id)}
    ]
    assert (row["result"], row["rules"], row["reason"]) == (False, [], "no_rule_matched")
    assert row["decided_at"] == event.decided_at
    assert row["trace_id"] == "ab" * 16
    assert row["source_sequence"] == 1
    assert len(row["hash"]) == 32


async def test_an_event_of_tokens_or_accounts_keeps_its_data_and_whom_it_is_about(
    audit_database: str, kafka_bootstrap: str
) -> None:
    source, event = Source(), a_revocation()

    async with recording(audit_database, kafka_bootstrap):
        await publish(kafka_bootstrap, [source.tell(event, at=NOON)])
        await until(count_of(audit_database, source, "token_events"), 1)

    (row,) = await fetch(
        audit_database, "SELECT * FROM token_events WHERE source = $1", source.name
    )
    assert (row["type"], row["user_id"], row["at"]) == (event.type, event.user_id, NOON)
    assert orjson.loads(row["data"])["reason"] == "user_blocked"


async def test_a_client_goes_by_the_name_it_had_when_the_decision_was_recorded(
    audit_database: str, kafka_bootstrap: str
) -> None:
    source, client_id = Source(), uuid4()
    decision = a_decision(consumer=Consumer(user_id=uuid4(), client_id=client_id))
    renamed = ClientUpdated(
        client_id=client_id, name="Hospital 2", client_type="MSP", fields=("name",)
    )

    async with recording(audit_database, kafka_bootstrap):
        await publish(
            kafka_bootstrap,
            [
                source.tell(renamed, at=NOON),
                source.tell(a_client(client_id, "Hospital 1"), at=NOON - timedelta(1)),
            ],
        )
        await until(count_of(audit_database, source, "token_events"), 2)
        await publish(kafka_bootstrap, [source.tell(decision)])
        await until(count_of(audit_database, source), 1)

    (row,) = await fetch(
        audit_database, "SELECT client_name FROM decisions WHERE source = $1", source.name
    )
    assert row["client_name"] == "Hospital 2"  # the older event came later, and lost


async def test_the_same_events_sent_again_are_recorded_once(
    audit_database: str, kafka_bootstrap: str
) -> None:
    source, patient = Source(), uuid4()  # one key, so what is sent last is recorded last
    sent = source.decisions(30, patient_id=patient)
    last = source.decisions(1, patient_id=patient)

    async with recording(audit_database, kafka_bootstrap):
        await publish(kafka_bootstrap, sent)
        await publish(kafka_bootstrap, [*sent, *sent[:7], *last])
        await until(_has(audit_database, last[0]), True)

    assert await count_of(audit_database, source)() == 31


async def test_redelivered_from_the_beginning_nothing_is_recorded_twice(
    audit_database: str, kafka_bootstrap: str
) -> None:
    source = Source()
    async with recording(audit_database, kafka_bootstrap):
        await publish(kafka_bootstrap, source.decisions(40))
        await until(count_of(audit_database, source), 40)
    await fetch(audit_database, "UPDATE chains SET next_offset = 0, last_digest = ''")

    async with recording(audit_database, kafka_bootstrap):
        await publish(kafka_bootstrap, source.decisions(1))
        await until(count_of(audit_database, source), 41)
        await until(_positions_are_at_the_end(audit_database), True)

    assert await count_of(audit_database, source)() == 41


def _has(url: str, record: Record) -> Callable[[], Awaitable[bool]]:
    event_id = dict(record.headers)["ce_id"].decode()

    async def ask() -> bool:
        query = "SELECT count(*) FROM decisions WHERE event_id = $1"
        return bool((await fetch(url, query, event_id))[0][0])

    return ask


def _positions_are_at_the_end(url: str) -> Callable[[], Awaitable[bool]]:
    async def ask() -> bool:
        (row,) = await fetch(
            url,
            "SELECT bool_and(c.next_offset > r.last) FROM chains c JOIN "
            '(SELECT topic, partition, max("offset") AS last FROM decisions GROUP BY 1, 2) r '
            "USING (topic, partition)",
        )
        return bool(row[0])

    return ask


@pytest.mark.parametrize(
    ("value", "ruined_header", "why"),
    [
        pytest.param(b"{not json", None, "malformed", id="not JSON"),
        pytest.param(None, None, "empty", id="a tombstone"),
        pytest.param(b"[]", None, "malformed", id="not an object"),
        pytest.param(b'{"a": "\\u0000"}', None, "nul_character", id="a NUL"),
        pytest.param(b"{}", None, "no_consumer", id="a field missing"),
        pytest.param(None, "ce_id", "empty", id="no id"),
        pytest.param(
            b"{}",
            ("ce_type", b"mithril.abac.decision-made.v9"),
            "unknown_type",
            id="a future version",
        ),
        pytest.param(b"{}", ("ce_sequence", b"-1"), "no_sequence", id="a negative number"),
    ],
)
async def test_what_cannot_be_understood_is_kept_raw_dead_lettered_and_does_not_block(
    audit_database: str,
    kafka_bootstrap: str,
    value: bytes | None,
    ruined_header: str | tuple[str, bytes] | None,
    why: str,
) -> None:
    source = Source()
    (good,) = source.decisions(1)
    names = {ruined_header} if isinstance(ruined_header, str) else set()
    added = []
    if isinstance(ruined_header, tuple):
        names, added = {ruined_header[0]}, [ruined_header]
    headers = [item for item in good.headers if item[0] not in names] + added
    poison = replace(good, value=value, headers=headers)

    async with recording(audit_database, kafka_bootstrap) as built:
        await publish(kafka_bootstrap, [poison, *source.decisions(2)])
        await until(count_of(audit_database, source), 2)
        await until(lambda: _is_counted(built, why), True)

    rows = await fetch(
        audit_database,
        "SELECT key, value, headers, why FROM rejected WHERE key = $1",
        poison.key,
    )
    assert [(row["value"], row["why"]) for row in rows] == [(value, why)]
    assert len(orjson.loads(rows[0]["headers"])) == len(headers)


async def _is_counted(built: Built, why: str) -> bool:
    labels = {"topic": "abac.decisions", "why": why}
    name = "mithril_audit_rejects_total"
    return (built.registry.get_sample_value(name, labels) or 0) >= 1


async def test_chained_records_lead_from_one_hash_to_the_next(
    audit_database: str, kafka_bootstrap: str
) -> None:
    source = Source()
    patient = uuid4()  # one key, so one partition
    async with recording(audit_database, kafka_bootstrap):
        await publish(kafka_bootstrap, source.decisions(20, patient_id=patient))
        await until(count_of(audit_database, source), 20)

    rows = await fetch(
        audit_database,
        "SELECT chain_sequence, previous_hash, hash FROM decisions WHERE source = $1 "
        "ORDER BY chain_sequence",
        source.name,
    )
    assert all(
        (after["previous_hash"], after["chain_sequence"])
        == (before["hash"], before["chain_sequence"] + 1)
        for before, after in pairwise(rows)
    )
    assert len({row["hash"] for row in rows}) == 20


async def test_a_dead_letter_says_why_and_where_it_came_from(
    audit_database: str,
) -> None:
    source = Source()
    (good,) = source.decisions(1)
    future = ("ce_type", b"mithril.abac.decision-made.v9")
    others = [item for item in good.headers if item[0] != "ce_type"]

    with EmbeddedKafka() as kafka:
        async with recording(audit_database, kafka.bootstrap):
            await publish(kafka.bootstrap, [replace(good, headers=[*others, future])])
            letters = await read(
                kafka.bootstrap,
                "abac.decisions.dead-letter",
                source=source.name,
                until=lambda found: len(found) >= 1,
            )

    (letter,) = letters
    assert letter.type == "mithril.abac.decision-made.v9"
    assert letter.data == orjson.loads(good.value or b"")
    assert letter.headers["mithril-why"] == b"unknown_type"
    assert letter.headers["mithril-topic"] == b"abac.decisions"
    assert letter.headers["mithril-offset"].isdigit()
