"""Rejected records, read again by a version that learned to understand them."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from services.abac_log_consumer.actions.record import record
from services.abac_log_consumer.actions.retry_rejected import (
    Retried,
    State,
    list_rejected,
    retry_rejected,
)
from services.abac_log_consumer.actions.verify_log import Report, verify_log
from services.abac_log_consumer.app import build
from services.abac_log_consumer.cli import cli
from services.abac_log_consumer.deps import Deps
from services.abac_log_consumer.domain.records import Delivered, Unreadable, read
from services.abac_log_consumer.domain.signing import trusted
from services.abac_log_consumer.store.recording import Place
from services.abac_log_consumer.store.verifying import snapshot
from tests.integration.abac_log_consumer.ledger import (
    SIGNING_KEY,
    Source,
    a_revocation,
    delivered,
    fetch,
    keep,
    settings_for,
)


@pytest.fixture
async def deps(audit_database: str) -> AsyncIterator[Deps]:
    made = build(settings_for(audit_database, "127.0.0.1:1")).deps
    yield made
    await made.db.dispose()


async def keep_as_unknown(deps: Deps, batch: Sequence[Delivered]) -> None:
    """As a version would that does not know the type of any of these."""
    reads = []
    for item in batch:
        said = read(item)
        assert not isinstance(said, Unreadable)
        reads.append(
            Unreadable(
                delivered=item,
                why="unknown_type",
                source=said.source,
                source_sequence=said.source_sequence,
            )
        )
    await record(deps, reads, {Place(item.topic, item.partition): item for item in batch})


async def verified(url: str) -> Report:
    signer = settings_for(url, "127.0.0.1:1").signer
    async with snapshot(url, role="mithril_audit") as seen:
        return await verify_log(seen, keys=trusted([signer.public]))


async def states(deps: Deps) -> list[tuple[int, str]]:
    return [(item.delivered.offset, state) async for item, state in list_rejected(deps)]


async def test_a_record_that_became_readable_is_recorded_once_and_chained(
    deps: Deps, audit_database: str
) -> None:
    source = Source()
    await keep(deps, delivered(source.decisions(3)))
    later = delivered(source.decisions(2), first=3)
    await keep_as_unknown(deps, later)
    await keep(deps, delivered(source.decisions(1), first=5))
    before = await states(deps)

    first, second = await retry_rejected(deps), await retry_rejected(deps)

    assert before == [(3, State.READABLE), (4, State.READABLE)]
    assert (first, second) == (Retried(recorded=2), Retried(known=2))
    assert await states(deps) == [(3, State.RECORDED), (4, State.RECORDED)]
    rows = await fetch(
        audit_database, 'SELECT chain_sequence, "offset" FROM decisions ORDER BY 1'
    )
    assert [tuple(row) for row in rows] == [(1, 0), (2, 1), (3, 2), (4, 5), (5, 3), (6, 4)]
    report = await verified(audit_database)
    assert (report.records, report.findings) == (6, [])


async def test_reading_on_is_not_set_back_by_a_retry(
    deps: Deps, audit_database: str
) -> None:
    source = Source()
    await keep_as_unknown(deps, delivered(source.decisions(2)))
    await keep(deps, delivered(source.decisions(4), first=2))
    query = "SELECT next_offset, last_digest FROM chains WHERE topic = 'abac.decisions'"
    before = await fetch(audit_database, query)

    await retry_rejected(deps)

    assert await fetch(audit_database, query) == before
    assert before[0]["next_offset"] == 6


async def test_a_record_that_is_still_unreadable_stays_as_it_is(
    deps: Deps, audit_database: str
) -> None:
    source = Source()
    [good, bad, event] = [*source.decisions(2), source.tell(a_revocation())]
    await keep(deps, delivered([good, replace(bad, value=b"{")]))
    await keep_as_unknown(deps, delivered([event]))
    query = "SELECT * FROM rejected ORDER BY topic"
    before = await fetch(audit_database, query)

    done = await retry_rejected(deps)

    assert done == Retried(recorded=1, unreadable=1)
    assert await fetch(audit_database, query) == before
    assert await states(deps) == [(1, State.UNREADABLE), (0, State.RECORDED)]


async def test_a_record_that_the_database_refuses_hinders_no_other(
    deps: Deps, audit_database: str
) -> None:
    source = Source()
    too_long = secrets.token_hex(10_000)  # for an entry of the index on request_id
    huge = source.decisions(1, request_id=too_long)
    batch = delivered([*source.decisions(1), *huge, *source.decisions(1)])
    await keep_as_unknown(deps, batch)

    done = await retry_rejected(deps)

    assert done == Retried(recorded=2, refused=1)
    assert (await verified(audit_database)).findings == []


async def test_two_retries_at_once_record_once(deps: Deps, audit_database: str) -> None:
    source = Source()
    await keep_as_unknown(deps, delivered(source.decisions(40)))

    both = await asyncio.gather(retry_rejected(deps), retry_rejected(deps))

    assert sum(item.recorded for item in both) == 40
    report = await verified(audit_database)
    assert (report.records, report.findings) == (40, [])


async def test_the_commands_list_and_retry(deps: Deps, audit_database: str) -> None:
    source = Source()
    await keep_as_unknown(deps, delivered(source.decisions(1)))
    environment = {
        "DATABASE_URL": audit_database,
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "MITHRIL_AUDIT_SIGNING_KEY": SIGNING_KEY,
    }

    async def run(verb: str) -> str:
        result = await asyncio.to_thread(
            CliRunner().invoke, cli, ["rejected", verb], env=environment
        )
        assert result.exit_code == 0, result.output
        return result.output

    listed, retried, after = await run("list"), await run("retry"), await run("list")

    place = f"\tabac.decisions/0 0\t{source.name} 1\tunknown_type\t"
    assert f"{place}readable\n" in listed
    assert retried.startswith("1 recorded, 0 were in the log")
    assert f"{place}recorded\n" in after
