"""What auditors read: a decision, and a token or account event, as recorded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.abac_log_consumer.domain.chain import chain_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A record's place in its chain; with its other columns it suffices to compute the hash."""

    topic: str
    partition: int
    offset: int
    sequence: int
    hash: bytes
    previous_hash: bytes

    def rendered(self) -> dict[str, Any]:
        """As JSON; bytes in hexadecimal."""
        return {
            "chain": chain_id(self.topic, self.partition),
            "offset": self.offset,
            "sequence": self.sequence,
            "hash": self.hash.hex(),
            "previous_hash": self.previous_hash.hex(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """The record after another in a chain: it names the hash of that one."""

    id: UUID
    sequence: int
    hash: bytes
    previous_hash: bytes

    def rendered(self) -> dict[str, Any]:
        """As JSON; bytes in hexadecimal."""
        return {
            "id": self.id,
            "sequence": self.sequence,
            "hash": self.hash.hex(),
            "previous_hash": self.previous_hash.hex(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One access decision. `id` is that of its event; `client_name` is the one known then."""

    id: UUID
    decision_id: UUID
    decided_at: datetime
    recorded_at: datetime
    user_id: UUID
    client_id: UUID
    client_type: str | None
    client_name: str | None
    mis_client_id: UUID | None
    person_id: UUID | None
    patient_id: UUID | None
    resource_type: str
    resource_id: UUID | None
    action: str
    contexts: Sequence[Mapping[str, Any]]
    result: bool
    rules: Sequence[str]
    reason: str | None
    policy_version: str
    request_id: str
    trace_id: str | None
    source: str
    sequence: int
    link: Link

    def rendered(self) -> dict[str, Any]:
        """As JSON: the record of spec §10, and what this system adds to it."""
        return {
            "id": self.id,
            "decision_id": self.decision_id,
            "decided_at": self.decided_at,
            "inserted_at": self.recorded_at,
            "consumer": {
                "user_id": self.user_id,
                "client_id": self.client_id,
                "client_type": self.client_type,
                "client_name": self.client_name,
                "mis_client_id": self.mis_client_id,
                "person_id": self.person_id,
            },
            "resource": {
                "type": self.resource_type,
                "id": self.resource_id,
                "action": self.action,
            },
            "contexts": list(self.contexts),
            "patient_id": self.patient_id,
            "result": self.result,
            "rules": list(self.rules),
            "reason": self.reason,
            "policy_version": self.policy_version,
            "request_id": self.request_id,
            "trace_id": self.trace_id,
            "source": {"name": self.source, "sequence": self.sequence},
            "proof": self.link.rendered(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenEvent:
    """One event of mithril-api about a token, a user, a client or a role."""

    id: UUID
    type: str
    at: datetime
    recorded_at: datetime
    user_id: UUID | None
    client_id: UUID | None
    client_name: str | None
    data: Mapping[str, Any]
    trace_id: str | None
    source: str
    sequence: int
    link: Link

    def rendered(self) -> dict[str, Any]:
        """As JSON; `data` is the event's own."""
        return {
            "id": self.id,
            "type": self.type,
            "at": self.at,
            "inserted_at": self.recorded_at,
            "user_id": self.user_id,
            "client_id": self.client_id,
            "client_name": self.client_name,
            "data": dict(self.data),
            "trace_id": self.trace_id,
            "source": {"name": self.source, "sequence": self.sequence},
            "proof": self.link.rendered(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A signed head of a chain: vouches for every record of it up to `sequence`."""

    id: UUID
    topic: str
    partition: int
    sequence: int
    head_hash: bytes
    created_at: datetime
    key_id: str
    signature: bytes

    def rendered(self) -> dict[str, Any]:
        """As JSON; bytes in hexadecimal."""
        return {
            "id": self.id,
            "chain": chain_id(self.topic, self.partition),
            "sequence": self.sequence,
            "head_hash": self.head_hash.hex(),
            "created_at": self.created_at,
            "key_id": self.key_id,
            "signature": self.signature.hex(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who asks the audit log, by which token, in which request."""

    user_id: UUID
    client_id: UUID
    token_id: UUID
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuery:
    """One query of the audit log.

    `rows` is how many records it showed, once that is known; `complete` says of an export
    whether all of it went.
    """

    id: UUID
    at: datetime
    asker: Asker
    operation: str
    filters: Mapping[str, Any]
    rows: int | None
    complete: bool | None

    def rendered(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "id": self.id,
            "asked_at": self.at,
            "user_id": self.asker.user_id,
            "client_id": self.asker.client_id,
            "token_id": self.asker.token_id,
            "operation": self.operation,
            "filters": dict(self.filters),
            "rows": self.rows,
            "complete": self.complete,
            "request_id": self.asker.request_id,
        }
