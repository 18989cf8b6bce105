"""The hash chain of one topic partition (decision D12).

A record's hash is SHA-256 over the hash of the record before it and the record's canonical
bytes: a JSON object of all its columns but `hash` and `previous_hash`, names sorted, no spaces,
UTF-8 as it is, identifiers in lower case, moments in UTC as `2026-11-24T12:00:00.25+00:00`
without needless zeros, JSON columns as they are stored. The first record follows the empty
hash. That is what PostgreSQL's `row_to_json` makes of the columns, so it can be had from the
database at its own speed; anyone with an export can compute it again.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime

import orjson

GENESIS = b""

_MOMENTS = ("decided_at", "at", "recorded_at")
_JSON = ("contexts", "data")


def canonical(columns: Mapping[str, object]) -> bytes:
    """The bytes that the chain vouches for. Moments are given in UTC."""
    plain = dict(columns)
    for name in _MOMENTS:
        moment = plain.get(name)
        if isinstance(moment, datetime) and _ends_in_zero(moment):
            plain[name] = _iso(moment)
    for name in _JSON:
        if name in plain:
            plain[name] = orjson.Fragment(str(plain[name]))
    return orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)


def link(previous: bytes, record: bytes) -> bytes:
    """The hash of a record, by its canonical bytes, that follows `previous`."""
    return hashlib.sha256(previous + record).digest()


def _ends_in_zero(moment: datetime) -> bool:
    """Whether orjson, which writes any other moment as PostgreSQL does, has a zero too many."""
    return moment.microsecond % 10 == 0 and moment.microsecond != 0


def _iso(moment: datetime) -> str:
    return moment.isoformat().removesuffix("+00:00").rstrip("0") + "+00:00"


def chain_id(topic: str, partition: int) -> str:
    """What a chain is called outside of the database."""
    return f"{topic}/{partition}"


def checkpoint_message(
    *, chain: str, sequence: int, head_hash: bytes, created_at: datetime, key_id: str
) -> bytes:
    """The bytes that a checkpoint's signature covers: JSON with sorted names."""
    content = {
        "chain": chain,
        "created_at": created_at,
        "head_hash": head_hash.hex(),
        "key_id": key_id,
        "sequence": sequence,
    }
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z)
