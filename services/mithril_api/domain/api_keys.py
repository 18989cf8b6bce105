"""Whether the api-key of a MIS may be used alone (spec appendix A 4; gateway mode `mis_only`)."""

from dataclasses import dataclass
from typing import TypeAlias

from services.mithril_api.domain.refusals import Reason, Refused
from shared.models.ids import ClientId


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFacts:
    """The client whose connection has the key."""

    client_id: ClientId
    client_is_blocked: bool
    client_type_scope: tuple[str, ...]
    broker_scope: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyVerified:
    """The key works, for these scopes."""

    client_id: ClientId
    scope: tuple[str, ...]
    broker_scope: str


Verdict: TypeAlias = KeyVerified | Refused


def judge(facts: KeyFacts | None) -> Verdict:
    """The verdict on one key. Only a broker's key stands alone: others need a token beside."""
    if facts is None:
        return Refused(Reason.API_KEY_UNKNOWN)
    if facts.client_is_blocked:
        return Refused(Reason.CLIENT_BLOCKED_AT_VERIFY)
    if not facts.broker_scope:
        return Refused(Reason.BROKER_SETTINGS)
    return KeyVerified(
        client_id=facts.client_id,
        scope=facts.client_type_scope,
        broker_scope=facts.broker_scope,
    )
