"""Whether an access token may be used, and what its holder may do (spec §7.1, §3.10)."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from services.mithril_api.domain.records import Token
from services.mithril_api.domain.refusals import Reason, Refused
from shared.models.ids import ClientId
from shared.models.tokens import AccessType


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyFacts:
    """All that the database knows about a token to verify."""

    token: Token | None
    user_exists: bool = False
    user_is_blocked: bool = False
    person_id: str = ""
    client_exists: bool = False
    client_is_blocked: bool = False
    client_type: str | None = None
    access_type: str | None = None
    api_key_sent: bool = False
    broker_id: ClientId | None = None
    broker_scope: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """The token works; `broker_id` is the MIS whose api-key came with it."""

    token: Token
    person_id: str
    client_type: str | None
    broker_id: ClientId | None = None
    broker_scope: str | None = None


Verdict: TypeAlias = Verified | Refused


def judge(facts: VerifyFacts, *, through_broker: bool = True, now: datetime) -> Verdict:
    """The verdict on one token; checks in the order of spec §7.1.

    A token of a client behind a broker is used through it; what it is can be told without.
    """
    token = facts.token
    if token is None:
        return Refused(Reason.NOT_FOUND)
    if not token.is_live(now):
        return Refused(Reason.TOKEN_EXPIRED_AT_VERIFY)
    if not facts.client_exists:
        return Refused(Reason.NOT_FOUND)
    if facts.client_is_blocked:
        return Refused(Reason.CLIENT_BLOCKED_AT_VERIFY)
    if not facts.user_exists:
        return Refused(Reason.NOT_FOUND)
    if facts.user_is_blocked:
        return Refused(Reason.USER_BLOCKED_AT_VERIFY)
    match facts.access_type:
        case AccessType.DIRECT:
            return _verified(facts, token)
        case AccessType.BROKER if through_broker:
            return _through_broker(facts, token)
        case AccessType.BROKER:
            return _verified(facts, token)
        case _:
            return Refused(Reason.ACCESS_TYPE_MISSING)


def _through_broker(facts: VerifyFacts, token: Token) -> Verdict:
    if not facts.api_key_sent:
        return Refused(Reason.BROKER_KEY_REQUIRED)
    if facts.broker_id is None:
        return Refused(Reason.BROKER_KEY_UNKNOWN)
    if not facts.broker_scope:
        return Refused(Reason.BROKER_SETTINGS)
    return _verified(
        facts, token, broker_id=facts.broker_id, broker_scope=facts.broker_scope
    )


def _verified(
    facts: VerifyFacts,
    token: Token,
    *,
    broker_id: ClientId | None = None,
    broker_scope: str | None = None,
) -> Verified:
    return Verified(
        token=token,
        person_id=facts.person_id,
        client_type=facts.client_type,
        broker_id=broker_id,
        broker_scope=broker_scope,
    )
