"""A record's proof, computed again from what the auditors' API says of it (decision D12).

Written apart from abac-log-consumer on purpose: whoever checks does not use what is checked.
The canonical bytes are those that docs/auditors.md describes.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What could be checked. None: it could not be, for want of a key or of a checkpoint."""

    computed: str
    hash_fits: bool
    signature_fits: bool | None
    head_fits: bool | None  # of a checkpoint that signs this very record
    next_fits: bool | None  # the record that follows names this one's hash

    @property
    def is_broken(self) -> bool:
        """Whether anything that was checked does not fit."""
        checked = (self.hash_fits, self.signature_fits, self.head_fits, self.next_fits)
        return False in checked


def proof_of(record: Mapping[str, Any], keys: Sequence[str]) -> Proof:
    """Check a record of `GET /api/abac_logs/{id}`; `keys` are public ones in hexadecimal."""
    stored = record["proof"]
    previous = bytes.fromhex(stored["previous_hash"])
    computed = hashlib.sha256(previous + canonical(record)).hexdigest()
    checkpoint, following = stored.get("checkpoint"), stored.get("next")
    signs_this = checkpoint and checkpoint["sequence"] == stored["sequence"]
    return Proof(
        computed=computed,
        hash_fits=computed == stored["hash"],
        signature_fits=None if checkpoint is None else _is_signed(checkpoint, keys),
        head_fits=checkpoint["head_hash"] == stored["hash"] if signs_this else None,
        next_fits=None
        if following is None
        else following["previous_hash"] == stored["hash"],
    )


def canonical(record: Mapping[str, Any]) -> bytes:
    """The bytes of a record that its hash vouches for."""
    chain, _, partition = record["proof"]["chain"].rpartition("/")
    columns = {
        "event_id": record["id"],
        "decision_id": record["decision_id"],
        "decided_at": _moment(record["decided_at"]),
        "recorded_at": _moment(record["inserted_at"]),
        **record["consumer"],
        "patient_id": record["patient_id"],
        "resource_type": record["resource"]["type"],
        "resource_id": record["resource"]["id"],
        "action": record["resource"]["action"],
        "contexts": record["contexts"],
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


def _moment(text: str) -> str:
    """A moment without needless zeros."""
    before, _, fraction = text.removesuffix("+00:00").partition(".")
    fraction = fraction.rstrip("0")
    return f"{before}.{fraction}+00:00" if fraction else f"{before}+00:00"


def _is_signed(checkpoint: Mapping[str, Any], keys: Sequence[str]) -> bool | None:
    """Whether the key that a checkpoint names signed it; none where that key is not known."""
    by_id = {key_id_of(key): bytes.fromhex(key) for key in keys}
    public = by_id.get(checkpoint["key_id"])
    if public is None:
        return None
    content = {
        "chain": checkpoint["chain"],
        "created_at": checkpoint["created_at"].replace("+00:00", "Z"),
        "head_hash": checkpoint["head_hash"],
        "key_id": checkpoint["key_id"],
        "sequence": checkpoint["sequence"],
    }
    message = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    signature = bytes.fromhex(checkpoint["signature"])
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def key_id_of(public: str) -> str:
    """Name a public key: the first 16 hexadecimal digits of its SHA-256."""
    return hashlib.sha256(bytes.fromhex(public)).hexdigest()[:16]
