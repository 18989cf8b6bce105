"""Partitions are there before their month, and gauges tell how whole the log is."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from services.abac_log_consumer.actions.make_partitions import make_partitions
from services.abac_log_consumer.actions.sign_checkpoints import sign_checkpoints
from services.abac_log_consumer.app import Built, build
from services.abac_log_consumer.housekeeping import Housekeeping, owner_of
from tests.integration.abac_log_consumer.ledger import (
    NOON,
    Source,
    a_decision,
    delivered,
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
    owner = owner_of(built.deps)

    made = await make_partitions(owner, now=far)
    again = await make_partitions(owner, now=far)
    await owner.dispose()

    months = [f"p2031{month}01" for month in ("02", "03", "04", "05")]
    assert [name for name in made if "outbox" not in name] == [
        f"{table}_{month}" for table in ("decisions", "token_events") for month in months
    ]
    assert again == []
    (row,) = await fetch(audit_database, "SELECT tableoid::regclass::text FROM decisions")
    assert row[0] == "decisions_p20310201"


async def test_a_month_that_begins_while_the_process_runs_is_written_to_by_its_role(
    built: Built, audit_database: str
) -> None:
    moment, source = datetime(2031, 2, 14, tzinfo=UTC), Source()
    owner = owner_of(built.deps)
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
