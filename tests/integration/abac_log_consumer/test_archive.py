"""A month leaves for a file with its proof, and the chain still holds (D12)."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner, Result

from services.abac_log_consumer.actions.archive_month import NotArchivedError, archive_month
from services.abac_log_consumer.actions.make_partitions import make_partitions
from services.abac_log_consumer.actions.sign_checkpoints import sign_checkpoints
from services.abac_log_consumer.actions.verify_log import Report, verify_log
from services.abac_log_consumer.app import build
from services.abac_log_consumer.cli import cli
from services.abac_log_consumer.deps import Deps
from services.abac_log_consumer.domain.signing import trusted
from services.abac_log_consumer.housekeeping import owner_of
from services.abac_log_consumer.store.verifying import snapshot
from shared.runtime.partitions import Unit, partition_of
from tests.integration.abac_log_consumer.ledger import (
    SIGNING_KEY,
    Source,
    a_decision,
    delivered,
    execute,
    fetch,
    keep,
    settings_for,
)

EVE = datetime(2020, 1, 31, 23, 59, 50, tzinfo=UTC)
JANUARY = partition_of("decisions", Unit.MONTH, EVE)


@pytest.fixture
async def deps(audit_database: str) -> AsyncIterator[Deps]:
    """Decisions around a turn of the month, two a second, in two chains; signed."""
    settings = settings_for(audit_database, "127.0.0.1:1", checkpoint_records=1)
    made = build(settings).deps
    owner = owner_of(made.settings)
    await make_partitions(owner, now=EVE)
    await owner.dispose()
    source = Source()
    moments = [EVE + timedelta(seconds=number) for number in (0, 1, 11, 2, 12, 3, 4, 13)]
    for partition in (0, 1):
        records = [source.tell(a_decision(decided_at=at), at=at) for at in moments]
        await keep(made, delivered(records, partition=partition))
    await sign_checkpoints(made)
    yield made
    await made.db.dispose()


async def verified(deps: Deps) -> Report:
    url = deps.settings.database_url.get_secret_value()
    async with snapshot(url, role="mithril_audit") as seen:
        return await verify_log(seen, keys=trusted([deps.settings.signer.public]))


async def archived(deps: Deps, directory: Path) -> Path:
    owner = owner_of(deps.settings)
    try:
        url = deps.settings.database_url.get_secret_value()
        return await archive_month(
            owner,
            url,
            JANUARY,
            directory=directory,
            key=deps.settings.signer,
            now=deps.clock.now(),
        )
    finally:
        await owner.dispose()


async def run(url: str, *arguments: str) -> Result:
    environment = {
        "DATABASE_URL": url,
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "MITHRIL_AUDIT_SIGNING_KEY": SIGNING_KEY,
    }
    return await asyncio.to_thread(CliRunner().invoke, cli, arguments, env=environment)


async def test_an_archived_month_is_in_its_file_and_no_gap_in_the_chain(
    deps: Deps, audit_database: str, tmp_path: Path
) -> None:
    before = await fetch(
        audit_database,
        "SELECT event_id::text FROM decisions_p20200101 ORDER BY partition, chain_sequence",
    )

    file = await archived(deps, tmp_path)

    lines = [orjson.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()]
    assert [line["record"]["event_id"] for line in lines] == [row[0] for row in before]
    assert len(lines) == 10
    (left,) = await fetch(audit_database, "SELECT count(*) FROM decisions")
    assert left[0] == 6
    report = await verified(deps)
    assert (report.findings, report.records) == ([], 6)
    assert (await run(audit_database, "check-archive", str(file))).exit_code == 0


async def test_a_record_removed_beside_an_archive_is_still_found(
    deps: Deps, audit_database: str, tmp_path: Path
) -> None:
    await archived(deps, tmp_path)
    await execute(
        audit_database, "DELETE FROM decisions WHERE chain_sequence = 5 AND partition = 1"
    )

    report = await verified(deps)

    assert [(item.chain, item.sequence, item.kind) for item in report.findings] == [
        ("abac.decisions/1", 5, "missing")
    ]


async def test_an_archive_invented_to_hide_a_removal_is_found(
    deps: Deps, audit_database: str, tmp_path: Path
) -> None:
    await archived(deps, tmp_path)
    await execute(audit_database, "UPDATE archives SET records = records + 1")

    kinds = {item.kind for item in (await verified(deps)).findings}

    assert kinds == {"forged-archive", "missing"}


async def test_a_changed_file_is_not_what_was_archived(
    deps: Deps, audit_database: str, tmp_path: Path
) -> None:
    file = await archived(deps, tmp_path)
    content = gzip.decompress(file.read_bytes())
    file.write_bytes(gzip.compress(content.replace(b'"result":true', b'"result":false', 1)))

    result = await run(audit_database, "check-archive", str(file))

    assert (result.exit_code, "not the one that was signed" in result.output) == (1, True)


async def test_a_month_with_a_changed_record_stays_where_it_is(
    deps: Deps, audit_database: str, tmp_path: Path
) -> None:
    await execute(
        audit_database, "UPDATE decisions SET result = false WHERE chain_sequence = 2"
    )

    with pytest.raises(NotArchivedError, match="record 2 is not what its hash says"):
        await archived(deps, tmp_path)

    (left,) = await fetch(audit_database, "SELECT count(*) FROM decisions")
    assert left[0] == 16


async def test_the_command_takes_all_months_that_are_old_enough(
    deps: Deps, audit_database: str, tmp_path: Path
) -> None:
    result = await run(audit_database, "archive", "--to", str(tmp_path))

    assert result.exit_code == 0, result.output
    names = {path.name for path in tmp_path.iterdir()}
    assert {"decisions_p20200101.ndjson.gz", "decisions_p20200201.proof.json"} <= names
    assert (await verified(deps)).findings == []
