"""Whether a chain is as it was recorded; if not, the first record at which it is not (D12)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import orjson

from services.abac_log_consumer.domain.chain import GENESIS, checkpoint_message, link
from services.abac_log_consumer.domain.signing import is_signed


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What is wrong with a chain, and where."""

    chain: str
    sequence: int
    kind: str  # changed, swapped, missing, inserted, rewritten, forged-checkpoint
    event_id: str | None = None
    text: str

    def __str__(self) -> str:
        record = "" if self.event_id is None else f" (event {self.event_id})"
        return f"{self.chain} record {self.sequence}{record}: {self.kind}: {self.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A checkpoint, from the database or from a file."""

    chain: str
    sequence: int
    head_hash: bytes
    created_at: datetime
    key_id: str
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A stretch of a chain that left for an archive."""

    first: int
    last: int
    previous_hash: bytes
    last_hash: bytes


class Link(NamedTuple):
    """A stored record, and the hashes stored with it."""

    record: bytes  # canonical
    sequence: int
    event_id: str
    previous_hash: bytes
    hash: bytes


class Walk:
    """Goes along one chain, record by record, and stops at the first that is wrong."""

    def __init__(
        self,
        chain: str,
        *,
        checkpoints: Iterable[Signed],
        runs: Iterable[Run],
        first: int = 1,
        head: bytes = GENESIS,
    ) -> None:
        self._chain = chain
        self._runs = {run.first: run for run in runs}
        self._signed = {item.sequence: item for item in checkpoints}
        self._next, self._head = first, head
        self.records = 0

    @property
    def last(self) -> int:
        """The number of the last record that was as it should be."""
        return self._next - 1

    def step(self, record: Link) -> Finding | None:
        """Look at the next record."""
        number = record.sequence
        self._skip_archived()
        if number > self._next:
            return self._missing(number - 1)
        if number < self._next:
            return self._at(record, "inserted", f"there are two records {number}")
        made = link(record.previous_hash, record.record)
        follows = record.previous_hash == self._head
        if made != record.hash and not follows:
            return self._at(record, "swapped", "this record belongs elsewhere")
        if made != record.hash:
            return self._at(record, "changed", "its columns are not those of its hash")
        if not follows:
            return self._at(record, "inserted", "it does not follow the one before it")
        self.records += 1
        self._next, self._head = number + 1, record.hash
        return self._against_checkpoint(record)

    def end(self, *, sequence: int, head: bytes) -> Finding | None:
        """Look at where the chain is said to end, and at checkpoints beyond."""
        self._skip_archived()
        beyond = max((number for number in self._signed if number >= self._next), default=0)
        if max(beyond, sequence) >= self._next:
            return self._missing(max(beyond, sequence))
        if sequence < self.last:
            text = f"the chain is said to end with record {sequence}"
            return self._finding("inserted", sequence + 1, text)
        if head != self._head:
            return self._finding("rewritten", self.last, "the chain's head is another")
        return None

    def _skip_archived(self) -> None:
        while (run := self._runs.get(self._next)) and run.previous_hash == self._head:
            self._next, self._head = run.last + 1, run.last_hash

    def _against_checkpoint(self, record: Link) -> Finding | None:
        signed = self._signed.get(record.sequence)
        if signed is None or signed.head_hash == record.hash:
            return None
        when = signed.created_at.isoformat()
        text = f"it, or one before it, is not what was signed on {when}"
        return self._at(record, "rewritten", text)

    def _missing(self, last: int) -> Finding:
        text = "it is not there"
        if last > self._next:
            text = f"it and those up to {last} are not there"
        return self._finding("missing", self._next, text)

    def _at(self, record: Link, kind: str, text: str) -> Finding:
        return Finding(
            chain=self._chain,
            sequence=record.sequence,
            kind=kind,
            event_id=record.event_id,
            text=text,
        )

    def _finding(self, kind: str, sequence: int, text: str) -> Finding:
        return Finding(chain=self._chain, sequence=sequence, kind=kind, text=text)


def forged(checkpoints: Sequence[Signed], *, keys: Mapping[str, bytes]) -> list[Finding]:
    """The checkpoints that no trusted key signed."""
    return [
        Finding(
            chain=item.chain,
            sequence=item.sequence,
            kind="forged-checkpoint",
            text=f"the checkpoint of {item.created_at.isoformat()} has no valid signature",
        )
        for item in checkpoints
        if not is_signed(
            checkpoint_message(
                chain=item.chain,
                sequence=item.sequence,
                head_hash=item.head_hash,
                created_at=item.created_at,
                key_id=item.key_id,
            ),
            item.signature,
            key_id=item.key_id,
            keys=keys,
        )
    ]


def read_checkpoints(lines: Iterable[str]) -> list[Signed]:
    """Checkpoints as they are published, a JSON object a line; ValueError: not one."""
    return [_checkpoint(orjson.loads(line)) for line in lines if line.strip()]


def _checkpoint(data: Mapping[str, str | int]) -> Signed:
    try:
        return Signed(
            chain=str(data["chain"]),
            sequence=int(data["sequence"]),
            head_hash=bytes.fromhex(str(data["head_hash"])),
            created_at=datetime.fromisoformat(str(data["created_at"])),
            key_id=str(data["key_id"]),
            signature=bytes.fromhex(str(data["signature"])),
        )
    except KeyError as missing:
        raise ValueError(f"a checkpoint has no `{missing.args[0]}`") from missing
