"""What a refresh token buys (spec §3.6, decisions D2 and D3; RFC 6749 §6, RFC 9700 §4.14)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from services.mithril_api.domain.oauth2 import scopes
from services.mithril_api.domain.oauth2.access_tokens import AsJwt
from services.mithril_api.domain.records import CONSTRAINED, Token
from services.mithril_api.domain.refusals import Reason, Refused
from shared.models.confirmations import UNBOUND, Confirmation, confirmation_of
from shared.models.ids import AppId, ClientId, ConnectionId
from shared.models.scopes import narrowed
from shared.models.tokens import RefreshPolicy

GRACE = timedelta(seconds=30)  # how long a spent token still gives its one successor


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshFacts:
    """All that the database knows about one refresh request."""

    client_id: ClientId
    connection_id: ConnectionId | None  # of the client, by the secret that was sent
    token: Token | None
    successor: Token | None = None
    user_is_blocked: bool = False
    client_is_blocked: bool = False
    policy: RefreshPolicy | None = None  # none: the client has not chosen
    app_id: AppId | None = None
    app_scope: tuple[str, ...] = ()
    client_type_scope: frozenset[str] = frozenset()
    role_scope: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a request asks for beside the token, and what its endpoint does by default.

    Of `scope` and `resources`, none means all that was granted.
    """

    policy: RefreshPolicy = RefreshPolicy.REUSE  # where the client has not chosen
    is_public: bool = False  # then every use rotates, whatever is chosen (RFC 9700 §2.2.2)
    scope: frozenset[str] | None = None
    resources: tuple[str, ...] = ()
    as_jwt: AsJwt | None = None  # none: access tokens are opaque
    confirmation: Confirmation = UNBOUND  # the key that the client proved to hold


EHEALTH = Terms()  # of POST /oauth/tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetimes:
    """How long a family goes on: without being used, and in all."""

    idle: timedelta
    absolute: timedelta | None = None  # none: for as long as it is used

    def ends(self, started: datetime, *, now: datetime) -> datetime:
        """When the next token of a family ends."""
        idle = now + self.idle
        return idle if self.absolute is None else min(idle, started + self.absolute)


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """Give an access token; the refresh token stays as it is."""

    token: Token
    app_id: AppId
    scope: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotate:
    """Spend the refresh token: give an access token and its one successor."""

    token: Token
    app_id: AppId
    scope: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """A spent token came back in time: give the same successor again, and an access token."""

    token: Token
    successor: Token
    app_id: AppId
    scope: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeFamily:
    """A spent token came back too late: one of its two holders is a thief."""

    token: Token


Verdict: TypeAlias = Issue | Rotate | Repeat | RevokeFamily | Refused


def judge(facts: RefreshFacts, terms: Terms = EHEALTH, *, now: datetime) -> Verdict:
    """The verdict on one refresh request; checks in the order of D2."""
    token = facts.token
    if facts.connection_id is None:
        return Refused(Reason.CLIENT_SECRET_WRONG)
    if token is None:
        return Refused(Reason.TOKEN_UNKNOWN)
    if token.client_id != facts.client_id:
        return Refused(Reason.TOKEN_OF_ANOTHER_CLIENT)
    if not token.is_live(now):
        return Refused(Reason.TOKEN_EXPIRED)
    if not is_proved(token, terms):  # before a theft is seen: this is no holder of it
        return Refused(Reason.KEY_NOT_PROVED)
    if token.used_at is not None and not _may_repeat(token, facts.successor, now):
        return RevokeFamily(token=token)
    scope = _scope(facts, token, terms)
    if isinstance(scope, Refused):
        return scope
    assert facts.app_id is not None  # noqa: S101 — or else there is no scope
    if token.used_at is not None and facts.successor is not None:
        return Repeat(
            token=token, successor=facts.successor, app_id=facts.app_id, scope=scope
        )
    if terms.is_public or (facts.policy or terms.policy) is RefreshPolicy.ROTATE:
        return Rotate(token=token, app_id=facts.app_id, scope=scope)
    return Issue(token=token, app_id=facts.app_id, scope=scope)


def _scope(facts: RefreshFacts, token: Token, terms: Terms) -> tuple[str, ...] | Refused:
    """What the access token may do, of what is asked and still allowed."""
    if facts.user_is_blocked:
        return Refused(Reason.USER_BLOCKED)
    if facts.client_is_blocked:
        return Refused(Reason.CLIENT_BLOCKED)
    granted = granted_scope(facts, token)
    if facts.app_id is None or not granted:
        return Refused(Reason.APPROVAL_MISSING)
    if terms.scope is not None and not terms.scope <= frozenset(token.scope or granted):
        return Refused(Reason.SCOPE_NOT_GRANTED)
    if not frozenset(terms.resources) <= frozenset(resources_of(token)):
        return Refused(Reason.RESOURCE_NOT_GRANTED)
    scope = granted if terms.scope is None else narrowed(granted, terms.scope)
    if not has_room(terms, scope, resources_of(token)):
        return Refused(Reason.SCOPE_TOO_LONG)
    return tuple(scope) or Refused(Reason.SCOPE_NOT_GRANTED)


def granted_scope(facts: RefreshFacts, token: Token) -> list[str]:
    """What the family was granted, narrowed by what is allowed now; never wider.

    A refresh token without scope of its own comes from the original, which kept the scope
    with the approval: for such a family the approval is what was granted.
    """
    granted = token.scope or facts.app_scope
    return narrowed(
        granted,
        frozenset(facts.app_scope),
        facts.client_type_scope | scopes.OF_OPENID,
        facts.role_scope | scopes.OF_OPENID,
    )


def resources_of(token: Token) -> tuple[str, ...]:
    """The resources that a family was granted for (RFC 8707); none: wherever it is taken."""
    found = token.details.get("resource")
    return tuple(map(str, found)) if isinstance(found, list | tuple) else ()


def has_room(
    terms: Terms, scope: Sequence[str], granted_resources: tuple[str, ...]
) -> bool:
    """Whether an access token can say all that it is for."""
    resources = terms.resources or granted_resources
    return terms.as_jwt is None or terms.as_jwt.has_room_for(scope, resources)


def started_at(token: Token) -> datetime:
    """When the family of a refresh token began; of its first one, that token."""
    found = token.details.get("family_started_at")
    if not isinstance(found, int):
        return token.inserted_at
    return datetime.fromtimestamp(found, UTC)


def family_details(terms: Terms) -> dict[str, Any]:
    """What the refresh tokens of a family remember of the key that it began with.

    Nothing but the key tells a public client from whoever has its token (RFC 9449 §5); one
    that authenticates may change keys, and stays with tokens that are bound to some key.
    """
    if not terms.confirmation.is_bound:
        return {}
    return terms.confirmation.details() if terms.is_public else {CONSTRAINED: True}


def is_proved(token: Token, terms: Terms) -> bool:
    """Whether the client proved to hold a key where the family needs one."""
    bound = confirmation_of(token.details)
    if bound.is_bound:
        return bound == terms.confirmation
    return CONSTRAINED not in token.details or terms.confirmation.is_bound


def _may_repeat(token: Token, successor: Token | None, now: datetime) -> bool:
    return (
        token.used_at is not None
        and now - token.used_at <= GRACE
        and successor is not None
        and successor.used_at is None
        and successor.is_live(now)
    )
