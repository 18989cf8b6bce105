"""A record's proof, computed again."""

import hashlib
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.admin_web.domain.proof import canonical, key_id_of, proof_of

KEY = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
PUBLIC = KEY.public_key().public_bytes_raw().hex()
OTHER = Ed25519PrivateKey.from_private_bytes(b"\x02" * 32).public_key().public_bytes_raw()
ID = "00000000-0000-4000-8000-000000000001"
PREVIOUS = "aa" * 32


def a_record(*, checkpoint: bool = True, following: bool = True) -> dict[str, Any]:
    """A record whose proof holds."""
    record: dict[str, Any] = {
        "id": ID,
        "decision_id": ID,
        "decided_at": "2026-11-24T12:00:00.250000+00:00",
        "inserted_at": "2026-11-24T12:00:01+00:00",
        "consumer": {"user_id": ID, "client_id": ID, "client_name": "Клініка"},
        "resource": {"type": "episode", "id": None, "action": "read"},
        "contexts": [{"id": ID, "type": "patient"}],
        "patient_id": ID,
        "result": True,
        "rules": ["rule_1"],
        "reason": None,
        "policy_version": "v1",
        "request_id": "r",
        "trace_id": None,
        "source": {"name": "abac-api", "sequence": 7},
        "proof": {
            "chain": "abac.decisions/3",
            "offset": 9,
            "sequence": 4,
            "previous_hash": PREVIOUS,
            "checkpoint": None,
            "next": None,
        },
    }
    made = hashlib.sha256(bytes.fromhex(PREVIOUS) + canonical(record)).hexdigest()
    record["proof"]["hash"] = made
    if checkpoint:
        record["proof"]["checkpoint"] = a_checkpoint(made, sequence=4)
    if following:
        record["proof"]["next"] = {"id": ID, "sequence": 5, "previous_hash": made}
    return record


def a_checkpoint(head: str, *, sequence: int) -> dict[str, Any]:
    content = {
        "chain": "abac.decisions/3",
        "created_at": "2026-11-24T12:01:00Z",
        "head_hash": head,
        "key_id": key_id_of(PUBLIC),
        "sequence": sequence,
    }
    signature = KEY.sign(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hex()
    return {**content, "created_at": "2026-11-24T12:01:00+00:00", "signature": signature}


def test_the_bytes_of_a_record_are_those_that_the_auditors_manual_describes() -> None:
    said = canonical(a_record())
    assert b'"decided_at":"2026-11-24T12:00:00.25+00:00"' in said
    assert b'"recorded_at":"2026-11-24T12:00:01+00:00"' in said
    assert said.startswith(b'{"action":"read","chain_sequence":4,"client_id":')
    assert "Клініка".encode() in said


def test_an_untouched_record_fits_its_hash_its_successor_and_its_checkpoint() -> None:
    proof = proof_of(a_record(), [PUBLIC])
    assert (proof.hash_fits, proof.next_fits, proof.signature_fits, proof.head_fits) == (
        *(True, True),
        *(True, True),
    )
    assert not proof.is_broken


def test_what_is_not_there_yet_or_has_no_key_here_is_neither_right_nor_wrong() -> None:
    bare = proof_of(a_record(checkpoint=False, following=False), [PUBLIC])
    unknown = proof_of(a_record(), [OTHER.hex()])
    later = a_record()
    later["proof"]["checkpoint"] = a_checkpoint("bb" * 32, sequence=9)

    assert (bare.signature_fits, bare.head_fits, bare.next_fits) == (None, None, None)
    assert unknown.signature_fits is None
    assert proof_of(later, [PUBLIC]).head_fits is None
    assert not any(p.is_broken for p in (bare, unknown, proof_of(later, [PUBLIC])))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("result",), False),
        (("patient_id",), None),
        (("rules",), []),
        (("consumer", "client_name"), "Clinic"),
        (("source", "sequence"), 8),
        (("proof", "offset"), 8),
        (("proof", "previous_hash"), "bb" * 32),
        (("proof", "hash"), "bb" * 32),
        (("proof", "next", "previous_hash"), "bb" * 32),
        (("proof", "checkpoint", "head_hash"), "bb" * 32),
        (("proof", "checkpoint", "signature"), "bb" * 64),
        (("proof", "checkpoint", "sequence"), 5),
    ],
)
def test_whatever_is_changed_is_seen(path: tuple[str, ...], value: object) -> None:
    record = a_record()
    place = record
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    assert proof_of(record, [PUBLIC]).is_broken
