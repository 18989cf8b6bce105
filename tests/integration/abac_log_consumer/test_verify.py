"""Tampering behind the service's back is found, and named (D12)."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from typer.testing import CliRunner

from services.abac_log_consumer import app as composition
from services.abac_log_consumer.actions.sign_checkpoints import sign_checkpoints
from services.abac_log_consumer.actions.verify_log import Report, verify_log
from services.abac_log_consumer.cli import cli
from services.abac_log_consumer.deps import Deps
from services.abac_log_consumer.domain import chain
from services.abac_log_consumer.domain.signing import trusted
from services.abac_log_consumer.domain.verification import Signed, read_checkpoints
from services.abac_log_consumer.store.verifying import snapshot
from shared.models.access import Context
from shared.runtime.migrate import is_partition
from tests.integration.abac_log_consumer.ledger import (
    NOON,
    SIGNING_KEY,
    Source,
    a_client,
    a_revocation,
    delivered,
    execute,
    fetch,
    keep,
    settings_for,
)

CHAIN = "abac.decisions/0"


@pytest.fixture
async def deps(audit_database: str) -> AsyncIterator[Deps]:
    """Twenty decisions in one chain, of which ten are signed; ten token events in another."""
    settings = settings_for(audit_database, "127.0.0.1:1", checkpoint_records=1)
    made = composition.build(settings).deps
    source = Source()
    await keep(made, delivered(source.decisions(10)))
    await sign_checkpoints(made)
    await keep(made, delivered(source.decisions(10), first=10))
    events = [source.tell(a_revocation()) for _ in range(10)]
    await keep(made, delivered(events, partition=2))
    yield made
    await made.db.dispose()


async def verified(url: str, **but: Any) -> Report:
    signer = settings_for(url, "127.0.0.1:1").signer
    async with snapshot(url, role="mithril_audit", connections=2) as seen:
        return await verify_log(seen, keys=trusted([signer.public]), **but)


async def found(url: str, **but: Any) -> list[tuple[str, int, str]]:
    report = await verified(url, **but)
    return [(item.chain, item.sequence, item.kind) for item in report.findings]


async def kept(url: str) -> list[Signed]:
    """The checkpoints as they left through the outbox."""
    rows = await fetch(
        url, "SELECT payload::text FROM outbox WHERE aggregatetype = 'audit.checkpoints'"
    )
    return read_checkpoints([row[0] for row in rows])


async def test_a_log_as_it_was_recorded_has_nothing_to_find(
    deps: Deps, audit_database: str
) -> None:
    report = await verified(audit_database, kept=await kept(audit_database))

    assert report.findings == []
    assert (report.records, report.chains, report.checkpoints) == (30, 2, 2)


@pytest.mark.parametrize(
    ("tampering", "where"),
    [
        pytest.param(
            "UPDATE decisions SET result = NOT result WHERE chain_sequence = 7",
            (CHAIN, 7, "changed"),
            id="a refusal turned into a permit",
        ),
        pytest.param(
            "UPDATE decisions SET user_id = gen_random_uuid() WHERE chain_sequence = 1",
            (CHAIN, 1, "changed"),
            id="another user",
        ),
        pytest.param(
            "UPDATE decisions SET decided_at = decided_at - interval '1 microsecond'"
            " WHERE chain_sequence = 20",
            (CHAIN, 20, "changed"),
            id="another moment",
        ),
        pytest.param(
            "UPDATE decisions SET rules = '{rule_1}' WHERE chain_sequence = 3",
            (CHAIN, 3, "changed"),
            id="other rules",
        ),
        pytest.param(
            "UPDATE token_events SET data = '{}' WHERE chain_sequence = 4",
            ("mithril.tokens/2", 4, "changed"),
            id="an event's data emptied",
        ),
        pytest.param(
            "DELETE FROM decisions WHERE chain_sequence = 5",
            (CHAIN, 5, "missing"),
            id="one removed",
        ),
        pytest.param(
            "DELETE FROM decisions WHERE chain_sequence > 15",
            (CHAIN, 16, "missing"),
            id="the end cut off",
        ),
        pytest.param(
            "DELETE FROM decisions",
            (CHAIN, 1, "missing"),
            id="all removed",
        ),
        pytest.param(
            "DELETE FROM decisions; DELETE FROM chains",
            (CHAIN, 1, "missing"),
            id="all removed, and the chain with it",
        ),
        pytest.param(
            "UPDATE decisions SET chain_sequence = 17 - chain_sequence"
            " WHERE chain_sequence IN (8, 9)",
            (CHAIN, 8, "swapped"),
            id="two swapped",
        ),
        pytest.param(
            "UPDATE decisions a SET chain_sequence = b.chain_sequence, hash = b.hash,"
            " previous_hash = b.previous_hash FROM decisions b"
            " WHERE a.chain_sequence + b.chain_sequence = 17"
            " AND a.chain_sequence IN (8, 9)",
            (CHAIN, 8, "changed"),
            id="two swapped with their hashes",
        ),
        pytest.param(
            "UPDATE checkpoints SET chain_sequence = 9",
            (CHAIN, 9, "forged-checkpoint"),
            id="a checkpoint moved",
        ),
        pytest.param(
            "UPDATE chains SET head_hash = '\\x00' WHERE topic = 'abac.decisions'",
            (CHAIN, 20, "rewritten"),
            id="the head replaced",
        ),
    ],
)
async def test_what_was_done_to_the_tables_is_found_and_named(
    deps: Deps, audit_database: str, tampering: str, where: tuple[str, int, str]
) -> None:
    await execute(audit_database, tampering)

    assert (await found(audit_database))[0] == where


async def test_a_record_slipped_in_is_found(deps: Deps, audit_database: str) -> None:
    await _insert_copy(audit_database, of=6, as_number=6)

    assert await found(audit_database) == [(CHAIN, 6, "inserted")]


async def test_a_record_added_at_the_end_is_found(deps: Deps, audit_database: str) -> None:
    await _insert_copy(audit_database, of=20, as_number=21)

    assert await found(audit_database) == [(CHAIN, 21, "inserted")]


async def _insert_copy(url: str, *, of: int, as_number: int) -> None:
    """Add a record whose own hash is right, as someone who read this code would."""
    conn = await asyncpg.connect(url)
    try:
        (row,) = await conn.fetch("SELECT * FROM decisions WHERE chain_sequence = $1", of)
        columns = dict(row)
        columns["event_id"] = (await conn.fetch("SELECT gen_random_uuid()"))[0][0]
        columns["chain_sequence"] = as_number
        if as_number > of:
            columns["previous_hash"] = columns["hash"]
        columns["hash"] = _hash_of(columns)
        await conn.copy_records_to_table(
            "decisions", records=[tuple(columns.values())], columns=list(columns)
        )
    finally:
        await conn.close()


def _hash_of(columns: dict[str, Any]) -> bytes:
    """The hash by the published definition, computed here without the service's code."""
    plain = {
        name: value
        for name, value in columns.items()
        if name not in {"hash", "previous_hash"}
    }
    plain["contexts"] = json.loads(plain["contexts"])
    for name in ("decided_at", "recorded_at"):
        moment = plain[name].strftime("%Y-%m-%dT%H:%M:%S.%f").rstrip("0").rstrip(".")
        plain[name] = f"{moment}+00:00"
    text = json.dumps(
        plain, default=str, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    return hashlib.sha256(columns["previous_hash"] + text.encode()).digest()


async def test_the_hash_is_what_its_definition_says(
    deps: Deps, audit_database: str
) -> None:
    rows = await fetch(audit_database, "SELECT * FROM decisions ORDER BY chain_sequence")

    assert [_hash_of(dict(row)) for row in rows] == [row["hash"] for row in rows]
    assert rows[0]["previous_hash"] == chain.GENESIS


async def test_someone_who_rewrites_everything_is_convicted_by_a_kept_checkpoint(
    deps: Deps, audit_database: str
) -> None:
    checkpoints = await kept(audit_database)
    await _rewrite(audit_database)

    assert await found(audit_database) == []
    assert await found(audit_database, kept=checkpoints) == [(CHAIN, 10, "rewritten")]


async def test_someone_who_cuts_the_end_off_cleanly_is_convicted_by_a_kept_checkpoint(
    deps: Deps, audit_database: str
) -> None:
    checkpoints = await kept(audit_database)
    await execute(
        audit_database,
        "DELETE FROM checkpoints; DELETE FROM decisions WHERE chain_sequence > 8;"
        " UPDATE chains c SET chain_sequence = 8, head_hash = d.hash FROM decisions d"
        " WHERE d.chain_sequence = 8 AND c.topic = d.topic",
    )

    assert await found(audit_database) == []
    assert await found(audit_database, kept=checkpoints) == [(CHAIN, 9, "missing")]


async def _rewrite(url: str) -> None:
    """Change record 2 and compute all hashes anew; remove the checkpoints."""
    conn = await asyncpg.connect(url)
    try:
        await conn.execute("DELETE FROM checkpoints")
        await conn.execute("UPDATE decisions SET result = false WHERE chain_sequence = 2")
        head = b""
        rows = await conn.fetch("SELECT * FROM decisions ORDER BY chain_sequence")
        for row in rows:
            columns = {**dict(row), "previous_hash": head}
            head = _hash_of(columns)
            await conn.execute(
                "UPDATE decisions SET previous_hash = $1, hash = $2"
                " WHERE chain_sequence = $3",
                columns["previous_hash"],
                head,
                row["chain_sequence"],
            )
        await conn.execute(
            "UPDATE chains SET head_hash = $1 WHERE topic = 'abac.decisions'", head
        )
    finally:
        await conn.close()


async def test_a_checkpoint_signed_by_a_key_nobody_trusts_is_found(
    deps: Deps, audit_database: str
) -> None:
    async with snapshot(audit_database, role="") as seen:
        report = await verify_log(seen, keys=trusted([bytes(32)]))

    assert [item.kind for item in report.findings] == ["forged-checkpoint"]


async def test_what_is_recorded_meanwhile_is_for_the_next_verification(
    deps: Deps, audit_database: str
) -> None:
    keys = trusted([deps.settings.signer.public])
    async with snapshot(audit_database, role="", connections=3) as seen:
        source = Source()
        await keep(deps, delivered(source.decisions(5), first=20))
        events = [source.tell(a_revocation()) for _ in range(5)]
        await keep(deps, delivered(events, partition=2, first=10))
        report = await verify_log(seen, keys=keys)

    assert (report.records, report.findings) == (30, [])
    assert (await verified(audit_database)).records == 40


async def test_a_period_is_verified_without_what_went_before(
    deps: Deps, audit_database: str
) -> None:
    await execute(
        audit_database, "UPDATE decisions SET action = 'x' WHERE chain_sequence IN (2, 15)"
    )
    since, until = NOON + timedelta(seconds=10), NOON + timedelta(seconds=13)

    report = await verified(audit_database, since=since, until=until)

    assert (report.records, report.findings) == (3, [])
    assert await found(audit_database, since=since) == [(CHAIN, 15, "changed")]


async def test_the_command_names_the_record_and_fails(
    deps: Deps, audit_database: str, tmp_path: Path
) -> None:
    environment = {
        "DATABASE_URL": audit_database,
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "MITHRIL_AUDIT_SIGNING_KEY": SIGNING_KEY,
    }
    whole = await asyncio.to_thread(CliRunner().invoke, cli, ["verify"], env=environment)
    await execute(
        audit_database, "UPDATE decisions SET result = false WHERE chain_sequence = 7"
    )
    broken = await asyncio.to_thread(CliRunner().invoke, cli, ["verify"], env=environment)
    nonsense = tmp_path / "checkpoints.ndjson"
    nonsense.write_text('{"chain": "a"}\n')
    refused = await asyncio.to_thread(
        CliRunner().invoke, cli, ["verify", "--checkpoints", str(nonsense)], env=environment
    )

    assert (whole.exit_code, "nothing was changed" in whole.output) == (0, True)
    assert broken.exit_code == 1
    assert "abac.decisions/0 record 7 (event " in broken.output
    assert refused.exit_code == 2


@pytest.mark.parametrize("table", ["decisions", "token_events", "checkpoints", "rejected"])
@pytest.mark.parametrize(
    "verb", ["UPDATE {} SET topic = ''", "DELETE FROM {}", "TRUNCATE {}"]
)
async def test_the_service_s_role_can_neither_change_nor_remove_a_record(
    deps: Deps, audit_database: str, table: str, verb: str
) -> None:
    conn = await asyncpg.connect(audit_database, server_settings={"role": "mithril_audit"})
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await conn.execute(verb.format(table))
        assert await conn.fetchval("SELECT count(*) FROM decisions") == 20
    finally:
        await conn.close()


async def test_nor_can_it_reach_a_partition_directly(
    deps: Deps, audit_database: str
) -> None:
    names = await fetch(
        audit_database, "SELECT relname FROM pg_class WHERE relname LIKE 'decisions%p2%'"
    )
    conn = await asyncpg.connect(audit_database, server_settings={"role": "mithril_audit"})
    try:
        tables = [row[0] for row in names if is_partition(row[0])]
        for table in tables:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await conn.execute(f"DELETE FROM {table}")  # noqa: S608 — ours
    finally:
        await conn.close()
    assert tables


async def test_any_text_is_hashed_as_the_database_gives_it_back(
    audit_database: str,
) -> None:
    """Both sides of the definition agree: Python's when recording, PostgreSQL's later."""
    deps = composition.build(settings_for(audit_database, "127.0.0.1:1")).deps
    source = Source()
    texts = [
        *(chr(number) for number in range(1, 0x180)),
        *(
            "ї",
            "\u2028\u2029",
            "\U0001f600",
            "\ufffe",
            '"\\"',
            "{a,b}",
            "\\u0041",
            " a ",
            "",
        ),
    ]
    decisions = [
        record
        for text in texts
        for record in source.decisions(
            1,
            reason=text,
            rules=(text, "rule_1"),
            contexts=(Context(type=text, id=uuid4()),),
        )
    ]
    events = [
        source.tell(
            a_client(uuid4(), text), at=NOON + timedelta(microseconds=number * 1000)
        )
        for number, text in enumerate(texts)
    ]
    odd = [
        replace(event, value=value)
        for event, value in zip(
            events,
            [b'{"a":1e300}', b'{"b":1.10,"a":[1e3,-0.0]}', b'{"n":123456789012345678901}'],
            strict=False,
        )
    ]
    await keep(deps, delivered([*decisions, *events[3:], *odd]))

    report = await verified(audit_database)

    assert report.findings == []
    assert report.records == 2 * len(texts)
    await deps.db.dispose()
