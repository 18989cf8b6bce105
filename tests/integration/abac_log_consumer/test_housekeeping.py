"""Partitions are there before their month, and gauges tell how whole the log is."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from services.abac_log_consumer.actions.make_partitions import make_partitions
from services.abac_log_consumer.actions.sign_checkpoints import sign_checkpoints
from services.abac_log_consumer.app import Built, build
from services.abac_log_consumer.housekeeping import (
    Housekeeping,
    keep_partitions,
    owner_of,
)
from tests.fakes import SteppingClock
from tests.integration.abac_log_consumer.ledger import (
    NOON,
    Source,
    a_decision,
    delivered,
    execute,
    fetch,
    keep,
    settings_for,
)


@pytest.fixture
async def built(audit_database: str) -> AsyncIterator[Built]:
    settings = settings_for(
        audit_database, "127.0.0.1:1", checkpoint_records=1, checkpoint_seconds=1
    )
    made = build(settings)
    yield made
    await made.deps.db.dispose()


def gauge(built: Built, name: str, **labels: str) -> Any:
    return built.registry.get_sample_value(f"mithril_audit_{name}", labels)


async def test_the_coming_months_have_their_partitions_and_what_waited_moves_in(
    built: Built, audit_database: str
) -> None:
    far, source = datetime(2031, 2, 14, 8, 30, tzinfo=UTC), Source()
    records = [source.tell(a_decision(decided_at=far), at=far)]
    await keep(built.deps, delivered(records))
    owner = owner_of(built.deps.settings)

    made = await make_partitions(owner, now=far)
    again = await make_partitions(owner, now=far)
    await owner.dispose()

    months = [f"p2031{month}01" for month in ("02", "03", "04", "05")]
    assert made == [
        f"{table}_{month}" for table in ("decisions", "token_events") for month in months
    ]
    assert again == []
    (row,) = await fetch(audit_database, "SELECT tableoid::regclass::text FROM decisions")
    assert row[0] == "decisions_p20310201"


async def test_a_month_that_begins_while_the_process_runs_is_written_to_by_its_role(
    built: Built, audit_database: str
) -> None:
    moment, source = datetime(2031, 2, 14, tzinfo=UTC), Source()
    owner = owner_of(built.deps.settings)
    await make_partitions(owner, now=moment)
    await owner.dispose()

    await keep(
        built.deps,
        delivered([source.tell(a_decision(decided_at=moment), at=moment)]),
    )

    (row,) = await fetch(audit_database, "SELECT tableoid::regclass::text FROM decisions")
    assert row[0] == "decisions_p20310201"
    conn = await asyncpg.connect(audit_database, server_settings={"role": "mithril_audit"})
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await conn.execute("DELETE FROM decisions_p20310201")
    await conn.close()


async def test_the_outbox_has_its_coming_days_and_loses_the_old_ones_that_were_published(
    built: Built, audit_database: str
) -> None:
    await execute(
        audit_database,
        "CREATE TABLE outbox_p20200101 PARTITION OF outbox "
        "FOR VALUES FROM ('2020-01-01 00:00Z') TO ('2020-01-02 00:00Z');"
        "CREATE TABLE outbox_p20200102 PARTITION OF outbox "
        "FOR VALUES FROM ('2020-01-02 00:00Z') TO ('2020-01-03 00:00Z');"
        "INSERT INTO outbox (id, aggregatetype, aggregateid, type, payload, occurred_at, sequence)"
        "VALUES (gen_random_uuid(), 't', 'k', 'x', '{}', '2020-01-01 12:00Z', 1),"
        " (gen_random_uuid(), 't', 'k', 'x', '{}', '2020-01-02 12:00Z', NULL);"
        "INSERT INTO outbox_relays (source, assigned, published)"
        " VALUES ('abac-log-consumer', 1, 1)",
    )
    far = datetime(2031, 2, 14, 8, 30, tzinfo=UTC)

    await keep_partitions(built.deps.settings, SteppingClock(far))

    rows = await fetch(
        audit_database,
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname ~ '^(retired_)?outbox_p'"
        " ORDER BY relname",
    )
    names = [row[0] for row in rows]
    assert names[0] == "outbox_p20200102"  # it has an event that Kafka did not acknowledge
    assert names[-3:] == ["outbox_p20310214", "outbox_p20310215", "outbox_p20310216"]


async def test_gauges_tell_what_is_missing_and_what_is_not_signed(
    built: Built, audit_database: str
) -> None:
    source = Source()
    records = source.decisions(20)
    await keep(built.deps, delivered([*records[:5], *records[9:]]))
    await Housekeeping(built.deps).round()
    before = (
        gauge(built, "missing", source=source.name),
        gauge(built, "unsigned_age_seconds"),
    )

    await keep(built.deps, delivered(records[5:9], first=16))
    assert await sign_checkpoints(built.deps) == 1
    await Housekeeping(built.deps).round()

    assert before[0] == 4
    assert before[1] > 0
    assert gauge(built, "missing", source=source.name) == 0
    assert gauge(built, "unsigned_age_seconds") == 0
    assert gauge(built, "last_checkpoint_timestamp_seconds") > NOON.timestamp() - 10**9
