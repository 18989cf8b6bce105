"""What leaves the database for a file, and the proof that goes with it (D12).

An archive is NDJSON, gzipped: a line a record with its canonical JSON and its two hashes, in the
order of its chains. Beside it lies a proof: which stretches of which chains it holds, the
file's SHA-256, and a signature over all of that.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from services.abac_log_consumer.domain.chain import chain_id, link
from services.abac_log_consumer.domain.signing import SigningKey, is_signed
from services.abac_log_consumer.domain.verification import Link, Run


class TamperedError(Exception):
    """A record is not what its hash says, or an archive not what its proof says."""


class Stretches:
    """Gathers the stretches of a chain, whose records come in order."""

    def __init__(self) -> None:
        self.runs: list[Run] = []
        self.records = 0

    def add(self, record: Link) -> None:
        """Take the next record; raise TamperedError if it is not what its hash says."""
        if link(record.previous_hash, record.record) != record.hash:
            raise TamperedError(f"record {record.sequence} is not what its hash says")
        self.records += 1
        before = self.runs[-1] if self.runs else None
        follows = before is not None and before.last + 1 == record.sequence
        if before is not None and follows:
            if before.last_hash != record.previous_hash:
                raise TamperedError(f"record {record.sequence} does not follow the former")
            first, start = before.first, before.previous_hash
            self.runs.pop()
        else:
            first, start = record.sequence, record.previous_hash
        self.runs.append(
            Run(
                first=first,
                last=record.sequence,
                previous_hash=start,
                last_hash=record.hash,
            )
        )


def line_of(record: Link) -> bytes:
    """A record as a line of an archive."""
    return (
        orjson.dumps(
            {
                "record": orjson.Fragment(record.record),
                "previous_hash": record.previous_hash.hex(),
                "hash": record.hash.hex(),
            }
        )
        + b"\n"
    )


def rendered(topic: str, partition: int, run: Run) -> dict[str, object]:
    """A stretch as JSON."""
    return {
        "topic": topic,
        "partition": partition,
        "first": run.first,
        "last": run.last,
        "previous_hash": run.previous_hash.hex(),
        "last_hash": run.last_hash.hex(),
    }


def runs_of(proofs: Iterable[Mapping[str, Any]]) -> dict[str, list[Run]]:
    """The stretches that archives hold, by chain."""
    found: dict[str, list[Run]] = {}
    for run in (run for proof in proofs for run in proof["runs"]):
        found.setdefault(chain_id(run["topic"], run["partition"]), []).append(
            Run(
                first=run["first"],
                last=run["last"],
                previous_hash=bytes.fromhex(run["previous_hash"]),
                last_hash=bytes.fromhex(run["last_hash"]),
            )
        )
    return found


def proof_of(
    name: str, *, records: int, sha256: str, runs: list[dict[str, object]], key: SigningKey
) -> dict[str, object]:
    """The proof of an archive, signed."""
    content: dict[str, object] = {
        "name": name,
        "records": records,
        "sha256": sha256,
        "runs": runs,
        "key_id": key.key_id,
    }
    return {**content, "signature": key.sign(_message(content)).hex()}


def is_proven(proof: Mapping[str, Any], *, keys: Mapping[str, bytes]) -> bool:
    """Whether a trusted key signed a proof."""
    content = {name: value for name, value in proof.items() if name != "signature"}
    signature = bytes.fromhex(proof["signature"])
    return is_signed(_message(content), signature, key_id=proof["key_id"], keys=keys)


def check_archive(
    lines: Iterable[bytes],
    proof: Mapping[str, Any],
    *,
    sha256: str,
    keys: Mapping[str, bytes],
) -> int:
    """The number of records of an archive; raise TamperedError if it is not as it was made."""
    if not is_proven(proof, keys=keys):
        raise TamperedError("the proof has no valid signature")
    if proof["sha256"] != sha256:
        raise TamperedError("the file is not the one that was signed")
    gathered: dict[tuple[str, int], Stretches] = {}
    for line in lines:
        item = orjson.loads(line)
        record = item["record"]
        place = record["topic"], record["partition"]
        text = line[len(b'{"record":') : line.rindex(b',"previous_hash":"')]
        gathered.setdefault(place, Stretches()).add(
            Link(
                record=text,
                sequence=record["chain_sequence"],
                event_id=record["event_id"],
                previous_hash=bytes.fromhex(item["previous_hash"]),
                hash=bytes.fromhex(item["hash"]),
            )
        )
    runs = [
        rendered(*place, run) for place, found in gathered.items() for run in found.runs
    ]
    if runs != proof["runs"]:
        raise TamperedError("the records are not those of the proof")
    return sum(found.records for found in gathered.values())


def sha256_of(chunks: Iterable[bytes]) -> str:
    """The digest of a file, in hexadecimal."""
    made = hashlib.sha256()
    for chunk in chunks:
        made.update(chunk)
    return made.hexdigest()


def _message(content: Mapping[str, object]) -> bytes:
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
