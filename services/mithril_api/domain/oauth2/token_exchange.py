"""A service acts for a user whose token came to it: delegation, and nothing else (RFC 8693).

What it gets is less than what it shows: no more scope, no longer life, one audience; and it
says who acts. It is of the same family, and ends with what it was exchanged for.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from services.mithril_api.domain import bearers
from services.mithril_api.domain.grants import TOKEN_EXCHANGE
from services.mithril_api.domain.oauth2 import authorization, scopes
from services.mithril_api.domain.oauth2.client_authentication import Authenticated
from services.mithril_api.domain.oauth2.faults import ErrorCode, Fault, invalid_request
from services.mithril_api.domain.oauth2.introspection import audience_of
from services.mithril_api.domain.oauth2.parameters import Parameters
from services.mithril_api.domain.records import EXCHANGED_CLIENTS, EXCHANGED_FROM, Token
from shared.models.confirmations import confirmation_of
from shared.models.scopes import narrowed

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 — a name
MOST_ACTORS = 4  # one behind the other: a service calls a service calls a service


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a client wants for a token. No `scope`: as much as it may have."""

    subject_token: str = field(repr=False)
    scope: tuple[str, ...]
    resources: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegated:
    """What the new token is, and what it remembers."""

    scope: tuple[str, ...]
    expires_at: datetime
    details: Mapping[str, Any]


Verdict: TypeAlias = Delegated | Fault

UNFIT = invalid_request(
    "`subject_token` is unknown, expired, revoked, or not to be exchanged"
)


def read(form: Parameters, who: Authenticated) -> Wish | Fault:
    """What a request asks for, as far as it can be judged without its token."""
    client = who.client
    if TOKEN_EXCHANGE not in client.metadata.grant_types or client.metadata.is_public:
        return Fault(ErrorCode.UNAUTHORIZED_CLIENT, "the client may not use this grant")
    token, kind = form.get("subject_token"), form.get("subject_token_type")
    if token is None or kind is None:
        return invalid_request("`subject_token` and `subject_token_type` are needed")
    if kind != ACCESS_TOKEN:
        return invalid_request(f"`subject_token_type` must be {ACCESS_TOKEN}")
    if form.get("requested_token_type") not in (None, ACCESS_TOKEN):
        return invalid_request(f"`requested_token_type` must be {ACCESS_TOKEN}")
    if "actor_token" in form or "actor_token_type" in form:
        return invalid_request("`actor_token` is not supported: who asks is who acts")
    scope = scopes.read(form.get("scope"))
    if isinstance(scope, Fault):
        return scope
    resources = tuple(dict.fromkeys(form.every("resource") + form.every("audience")))
    if not resources:
        return invalid_request("`resource` or `audience` must say whom the token is for")
    fault = authorization.wrong_resource(client, resources)
    return fault or Wish(subject_token=token, scope=scope, resources=resources)


def judge(
    subject: Token, wish: Wish, who: Authenticated, *, lives: timedelta, now: datetime
) -> Verdict:
    """What a live token is exchanged for. `subject` has the scope that works where it is shown."""
    if (fault := _unfit(subject, who)) is not None:
        return fault
    may = narrowed(subject.scope, frozenset(who.client.type_scope))
    if not set(may).issuperset(wish.scope):
        text = "`scope` is wider than that of the token, or than the client may have"
        return Fault(ErrorCode.INVALID_SCOPE, text)
    scope = wish.scope or tuple(may)
    if not scope:
        text = "nothing that the token allows is allowed to the client"
        return Fault(ErrorCode.INVALID_SCOPE, text)
    return Delegated(
        scope=scope,
        expires_at=min(now + lives, subject.expires_at),
        details=_details(subject, wish, who),
    )


def actors(token: Token) -> tuple[str, ...]:
    """The clients that act, the present one first (§4.1)."""
    found, act = [], token.details.get("act")
    while isinstance(act, Mapping):
        found.append(str(act.get("sub")))
        act = act.get("act")
    return tuple(found)


def _unfit(subject: Token, who: Authenticated) -> Fault | None:
    if not bearers.is_of_a_user(subject) or bearers.is_session(subject):
        return (
            UNFIT  # a client acts for itself with a token of its own; a session is no grant
        )
    if subject.client_id == who.client_id:
        return invalid_request("`subject_token` is the client's own")
    audience = audience_of(subject)
    if audience and not set(audience).intersection(who.metadata.resources):
        return UNFIT  # it came to somebody else
    bound = confirmation_of(subject.details)
    if bound.is_bound and bound != who.confirmation:
        return invalid_request("`subject_token` is bound to a key that was not proved")
    if len(actors(subject)) >= MOST_ACTORS:
        return invalid_request("too many act for one another already")
    return None


def _details(subject: Token, wish: Wish, who: Authenticated) -> dict[str, Any]:
    act: dict[str, Any] = {"sub": str(who.client_id)}
    if "act" in subject.details:
        act["act"] = subject.details["act"]
    former = subject.details
    return {
        "act": act,
        "aud": list(wish.resources),
        EXCHANGED_FROM: [str(subject.id), *former.get(EXCHANGED_FROM, ())],
        EXCHANGED_CLIENTS: [str(subject.client_id), *former.get(EXCHANGED_CLIENTS, ())],
        **who.confirmation.details(),
    }
