"""What abac-api decided (topic `abac.decisions`) and what it knows (topic `abac.facts`)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from shared.events.envelope import Event
from shared.models.access import Consumer, Context, Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionMade(Event):
    """An access question was answered; recorded before the answer left (decision D10).

    Ids and names only: the record must not become a second copy of the patient's data.
    """

    type: ClassVar[str] = "mithril.abac.decision-made.v1"
    topic: ClassVar[str] = "abac.decisions"

    decision_id: UUID
    consumer: Consumer
    resource: Resource
    contexts: tuple[Context, ...]
    patient_id: UUID | None  # from the contexts, or from what is known of the resource
    result: bool
    rules: tuple[str, ...]  # that determined a permit: `rule_1`, …
    reason: str | None  # of a refusal: no_rule_matched, unknown_resource_type, …
    policy_version: str
    request_id: str
    decided_at: datetime

    def key(self) -> str:
        return str(self.patient_id or self.consumer.user_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class FactUpserted(Event):
    """Something ABAC decides by is so since `at` (the event's time): the last writer wins."""

    type: ClassVar[str] = "mithril.abac.fact-upserted.v1"
    topic: ClassVar[str] = "abac.facts"

    kind: str  # employee, declaration, approval, resource, merged_person, justification
    id: UUID
    fact: dict[str, Any]  # the fields of that kind; validated by the consumer

    def key(self) -> str:
        return str(self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class FactWithdrawn(Event):
    """Something is so no longer. It stays known as withdrawn, so an older fact cannot revive it."""

    type: ClassVar[str] = "mithril.abac.fact-withdrawn.v1"
    topic: ClassVar[str] = "abac.facts"

    kind: str
    id: UUID

    def key(self) -> str:
        return str(self.id)
