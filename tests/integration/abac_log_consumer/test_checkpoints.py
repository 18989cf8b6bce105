"""Checkpoints leave the database through Kafka, signed (D12)."""

import asyncio
import json
from pathlib import Path

from typer.testing import CliRunner

from services.abac_log_consumer.actions.sign_checkpoints import sign_checkpoints
from services.abac_log_consumer.app import build
from services.abac_log_consumer.cli import cli
from services.abac_log_consumer.domain.chain import checkpoint_message
from services.abac_log_consumer.domain.signing import is_signed, trusted
from services.abac_log_consumer.domain.verification import read_checkpoints
from services.abac_log_consumer.published import published_checkpoints
from shared.runtime.kafka import KafkaAccess
from tests.integration.abac_log_consumer.ledger import (
    SIGNING_KEY,
    Record,
    Source,
    delivered,
    execute,
    fetch,
    keep,
    publish,
    recording,
    settings_for,
)
from tests.neighbours.ladder import Broker
from tests.reading import read


async def test_a_checkpoint_is_published_as_it_is_stored_and_its_signature_holds(
    audit_database: str, own_kafka: Broker
) -> None:
    source = Source()
    async with recording(audit_database, own_kafka.address, checkpoint_records=5) as built:
        await publish(own_kafka.address, source.decisions(60))
        records = await read(
            own_kafka.address,
            "audit.checkpoints",
            source="abac-log-consumer",
            until=lambda found: len(found) >= 1,
        )

    stored = await fetch(
        audit_database, "SELECT * FROM checkpoints WHERE id = $1", records[0].id
    )
    published = records[0].data
    (read_back,) = read_checkpoints([json.dumps(published)])
    assert [row["signature"].hex() for row in stored] == [published["signature"]]
    assert records[0].key == published["chain"]
    message = checkpoint_message(
        chain=read_back.chain,
        sequence=read_back.sequence,
        head_hash=read_back.head_hash,
        created_at=read_back.created_at,
        key_id=read_back.key_id,
    )
    keys = trusted([built.deps.settings.signer.public])
    signature = read_back.signature
    assert is_signed(message, signature, key_id=read_back.key_id, keys=keys)
    assert not is_signed(message + b" ", signature, key_id=read_back.key_id, keys=keys)


async def test_what_kafka_holds_of_them_convicts_a_log_that_was_emptied(
    audit_database: str, own_kafka: Broker, tmp_path: Path
) -> None:
    source, address = Source(), own_kafka.address
    async with recording(audit_database, address, checkpoint_records=5):
        await publish(address, source.decisions(20), partition=0)
        await read(
            address,
            "audit.checkpoints",
            source="abac-log-consumer",
            until=lambda found: len(found) >= 1,
        )
    environment = {
        "DATABASE_URL": audit_database,
        "KAFKA_BOOTSTRAP_SERVERS": address,
        "MITHRIL_AUDIT_SIGNING_KEY": SIGNING_KEY,
    }

    async def run(*arguments: str) -> tuple[int, str]:
        result = await asyncio.to_thread(
            CliRunner().invoke, cli, arguments, env=environment
        )
        return result.exit_code, result.output

    file = tmp_path / "checkpoints.ndjson"
    _, printed = await run("checkpoints")
    file.write_text(printed)
    whole = await run("verify", "--checkpoints", str(file))
    await execute(audit_database, "TRUNCATE decisions, chains, checkpoints")
    believed = await run("verify")
    convicted = await run("verify", "--checkpoints", str(file))

    assert len(read_checkpoints(printed.splitlines())) >= 1
    assert (whole[0], believed[0], convicted[0]) == (0, 0, 1)
    assert "abac.decisions/0 record 1: missing" in convicted[1]


async def test_a_topic_without_checkpoints_prints_nothing(own_kafka: Broker) -> None:
    access = KafkaAccess(bootstrap_servers=own_kafka.address)
    foreign = Record(topic="audit.checkpoints", key=None, value=b"?", headers=[])
    await publish(own_kafka.address, [foreign])

    assert [line async for line in published_checkpoints(access)] == []


async def test_a_chain_is_signed_when_enough_records_or_enough_time_went_by(
    audit_database: str,
) -> None:
    settings = settings_for(
        audit_database, "127.0.0.1:1", checkpoint_records=10, checkpoint_seconds=3600
    )
    deps, source = build(settings).deps, Source()
    await keep(deps, delivered(source.decisions(9)))
    too_few = await sign_checkpoints(deps)
    await keep(deps, delivered(source.decisions(1), first=9))
    enough = await sign_checkpoints(deps)
    again = await sign_checkpoints(deps)
    await deps.db.dispose()

    hasty = build(
        settings_for(audit_database, "127.0.0.1:1", checkpoint_seconds=0.001)
    ).deps
    await keep(hasty, delivered(source.decisions(1), first=10))
    by_time = await sign_checkpoints(hasty)
    await hasty.db.dispose()

    assert (too_few, enough, again, by_time) == (0, 1, 0, 1)


async def test_two_who_sign_at_once_sign_once(audit_database: str) -> None:
    settings = settings_for(audit_database, "127.0.0.1:1", checkpoint_records=1)
    one, other = build(settings).deps, build(settings).deps
    await keep(one, delivered(Source().decisions(3)))

    made = await asyncio.gather(sign_checkpoints(one), sign_checkpoints(other))

    assert sum(made) == 1
    await one.db.dispose()
    await other.db.dispose()
