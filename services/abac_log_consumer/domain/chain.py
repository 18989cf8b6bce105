"""The hash chain of one topic partition (decision D12).

A record's hash is SHA-256 over the hash of the record before it and the record's canonical
bytes: a JSON object of all its columns but `hash` and `previous_hash`, names sorted, no spaces,
identifiers in lower case, moments in UTC with `Z`. The first record follows the empty hash.
Anyone with an export can compute it again.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime

import orjson

GENESIS = b""

_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z


def canonical(columns: Mapping[str, object]) -> bytes:
    """The bytes that the chain vouches for."""
    return orjson.dumps(columns, option=_OPTIONS)


def link(previous: bytes, columns: Mapping[str, object]) -> bytes:
    """The hash of a record that follows `previous`."""
    return hashlib.sha256(previous + orjson.dumps(columns, option=_OPTIONS)).digest()


def chain_id(topic: str, partition: int) -> str:
    """What a chain is called outside of the database."""
    return f"{topic}/{partition}"


def checkpoint_message(
    *, chain: str, sequence: int, head_hash: bytes, created_at: datetime, key_id: str
) -> bytes:
    """The bytes that a checkpoint's signature covers: JSON with sorted names."""
    return canonical(
        {
            "chain": chain,
            "created_at": created_at,
            "head_hash": head_hash.hex(),
            "key_id": key_id,
            "sequence": sequence,
        }
    )
