"""What was really recorded: an auditor can check it without us, and nobody here can change it."""

import hashlib
from typing import Any
from uuid import uuid4

import asyncpg
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from services.abac_log_consumer.actions.sign_checkpoints import sign_checkpoints
from services.abac_log_consumer.domain.chain import checkpoint_message
from shared.runtime.postgres import driver_of
from tests.integration.abac_log_auditors.conftest import EXPORT, Audit
from tests.integration.abac_log_consumer.ledger import (
    Source,
    a_client,
    a_revocation,
    delivered,
    keep,
)

LOGS = "/api/abac_logs"


async def test_the_chain_can_be_computed_again_from_an_export_alone(audit: Audit) -> None:
    await keep(audit.built.deps, delivered(Source().decisions(5)))

    answer = await audit.get(f"{LOGS}/export", EXPORT)

    records = [orjson.loads(line) for line in (await answer.read()).splitlines()]
    records.sort(key=lambda record: record["proof"]["sequence"])
    previous = b""
    for record in records:
        previous = hashlib.sha256(previous + said(record)).digest()
        assert record["proof"]["hash"] == previous.hex()
    assert len(records) == 5


async def test_the_checkpoint_of_a_record_is_signed_by_our_key(audit: Audit) -> None:
    deps = audit.built.deps
    await keep(deps, delivered(Source().decisions(3)))
    audit.clock.advance(deps.settings.checkpoint_age())
    assert await sign_checkpoints(deps) == 1

    [*_, oldest] = await audit.listed(LOGS)
    data = (await (await audit.get(f"{LOGS}/{oldest['id']}")).json())["data"]

    checkpoint = data["proof"]["checkpoint"]
    message = checkpoint_message(
        chain=checkpoint["chain"],
        sequence=checkpoint["sequence"],
        head_hash=bytes.fromhex(checkpoint["head_hash"]),
        created_at=audit.clock.now(),
        key_id=checkpoint["key_id"],
    )
    key = Ed25519PublicKey.from_public_bytes(deps.settings.signer.public)
    key.verify(bytes.fromhex(checkpoint["signature"]), message)
    assert checkpoint["sequence"] == 3


async def test_integrity_of_what_was_recorded_is_complete_until_a_number_is_missing(
    audit: Audit,
) -> None:
    source = Source()
    await keep(audit.built.deps, delivered(source.decisions(3)))
    before = (await (await audit.get(f"{LOGS}/integrity")).json())["data"]
    _lost, *kept = source.decisions(3)
    await keep(audit.built.deps, delivered(kept, first=3))
    after = (await (await audit.get(f"{LOGS}/integrity")).json())["data"]

    assert (before["complete"], after["complete"]) == (True, False)
    [told] = after["sources"]
    assert told["gaps"] == [{"from": 4, "to": 4}]
    assert after["chains"][0]["records"] == 5
    assert after["rejected_records"] == 0


async def test_token_events_are_found_by_whom_they_are_about(audit: Audit) -> None:
    source, user, client = Source(), uuid4(), uuid4()
    told = [source.tell(a_revocation(user)), source.tell(a_client(client, "Clinic"))]
    for record in told:
        await keep(audit.built.deps, delivered([record]))

    [revoked] = await audit.listed("/api/token_logs", user_id=user)
    [created] = await audit.listed("/api/token_logs", client_id=client)

    assert revoked["type"] == "mithril.token.revoked.v1"
    assert revoked["data"]["reason"] == "user_blocked"
    assert created["client_name"] == "Clinic"


@pytest.mark.parametrize("table", ["audit_queries", "audit_query_ends"])
async def test_what_auditors_asked_cannot_be_changed_by_the_service(
    audit: Audit, table: str
) -> None:
    async with audit.built.deps.db.read() as conn:
        for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET rows = 0"):  # noqa: S608 — ours
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await driver_of(conn).execute(statement)


@pytest.mark.parametrize("path", [LOGS, f"{LOGS}/export", "/api/token_logs"])
async def test_a_query_that_cannot_be_written_down_is_not_answered(
    audit: Audit, path: str
) -> None:
    await audit.records.decisions(2)
    await audit.records.owner.execute("REVOKE INSERT ON audit_queries FROM mithril_audit")

    answer = await audit.get(path, "abac_log:read", EXPORT)

    assert answer.status == 500
    assert "data" not in await answer.json()


def said(record: dict[str, Any]) -> bytes:
    """The canonical bytes of a record, from an export's line."""
    chain, _, partition = record["proof"]["chain"].partition("/")
    columns = {
        "event_id": record["id"],
        "decision_id": record["decision_id"],
        "decided_at": moment_of(record["decided_at"]),
        "recorded_at": moment_of(record["inserted_at"]),
        **record["consumer"],
        "patient_id": record["patient_id"],
        "resource_type": record["resource"]["type"],
        "resource_id": record["resource"]["id"],
        "action": record["resource"]["action"],
        "contexts": orjson.Fragment(orjson.dumps(record["contexts"])),
        "result": record["result"],
        "rules": record["rules"],
        "reason": record["reason"],
        "policy_version": record["policy_version"],
        "request_id": record["request_id"],
        "trace_id": record["trace_id"],
        "source": record["source"]["name"],
        "source_sequence": record["source"]["sequence"],
        "topic": chain,
        "partition": int(partition),
        "offset": record["proof"]["offset"],
        "chain_sequence": record["proof"]["sequence"],
    }
    return orjson.dumps(columns, option=orjson.OPT_SORT_KEYS)


def moment_of(text: str) -> str:
    """A moment without needless zeros."""
    before, point, fraction = text.removesuffix("+00:00").partition(".")
    return f"{before}{point}{fraction.rstrip('0')}".removesuffix(".") + "+00:00"
