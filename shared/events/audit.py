"""What leaves the audit log for safe keeping elsewhere: topic `audit.checkpoints`."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from shared.events.envelope import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointSigned(Event):
    """The head of a chain was signed: all records up to it are as they were then.

    The Ed25519 signature is over the JSON object of `chain`, `created_at`, `head_hash`,
    `key_id` and `sequence`, names sorted, without spaces.
    """

    type: ClassVar[str] = "mithril.audit.checkpoint-signed.v1"
    topic: ClassVar[str] = "audit.checkpoints"

    chain: str  # topic/partition
    sequence: int  # of the last record it covers
    head_hash: str  # hexadecimal, as the signature
    created_at: datetime
    key_id: str
    signature: str

    def key(self) -> str:
        return self.chain
