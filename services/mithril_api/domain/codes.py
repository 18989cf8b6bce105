"""Whether an authorization code may be exchanged (spec §3.5; RFC 6749 §4.1.2; decision D14)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from services.mithril_api.domain import pkce, redirects
from services.mithril_api.domain.records import Token
from services.mithril_api.domain.refresh import EHEALTH, Terms, has_room, resources_of
from services.mithril_api.domain.refusals import Reason, Refused
from shared.models.ids import AppId, ClientId, ConnectionId

# A second exchange this soon is a client that repeats itself, not a thief.
RETRY = timedelta(seconds=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeFacts:
    """All that the database knows about one exchange."""

    client_id: ClientId
    connection_id: ConnectionId | None  # of the client, by the secret that was sent
    registered_uri: str | None
    code: Token | None
    user_is_blocked: bool = False
    client_is_blocked: bool = False
    app_id: AppId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """Give an access token and a refresh token for the code."""

    code: Token
    app_id: AppId
    connection_id: ConnectionId
    scope: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeBought:
    """The code came back long after its use: what it bought is revoked."""

    code: Token


Verdict: TypeAlias = Exchange | RevokeBought | Refused


def judge(
    facts: CodeFacts,
    *,
    redirect_uri: str,
    code_verifier: str | None,
    terms: Terms = EHEALTH,
    now: datetime,
) -> Verdict:
    """The verdict on one exchange; checks in the order of spec §3.5.

    A used code that came back late is judged before its expiry: codes live two minutes, and
    a thief is not faster for it.
    """
    code = facts.code
    if facts.connection_id is None:
        return Refused(Reason.CLIENT_SECRET_WRONG)
    if code is None:
        return Refused(Reason.TOKEN_UNKNOWN)
    if code.client_id != facts.client_id:
        return Refused(Reason.TOKEN_OF_ANOTHER_CLIENT)
    if code.used_at is not None:
        if now - code.used_at > RETRY and code.revoked_at is None:
            return RevokeBought(code=code)
        return Refused(Reason.CODE_USED)
    if not code.is_live(now):
        return Refused(Reason.TOKEN_EXPIRED)
    if not _redirect_matches(facts, code, redirect_uri):
        return Refused(Reason.REDIRECT_MISMATCH)
    if (unproved := _unproved(code, code_verifier, terms)) is not None:
        return Refused(unproved)
    if facts.user_is_blocked:
        return Refused(Reason.USER_BLOCKED)
    if facts.client_is_blocked:
        return Refused(Reason.CLIENT_BLOCKED)
    if facts.app_id is None:
        return Refused(Reason.APPROVAL_MISSING)
    if not has_room(terms, code.scope, resources_of(code)):
        return Refused(Reason.SCOPE_TOO_LONG)
    return Exchange(
        code=code,
        app_id=facts.app_id,
        connection_id=facts.connection_id,
        scope=code.scope,
    )


def _unproved(code: Token, code_verifier: str | None, terms: Terms) -> Reason | None:
    """What tells that who began is not who ends."""
    if not pkce.matches(code.details.get("code_challenge"), code_verifier):
        return Reason.PKCE_FAILED
    if code.details.get("dpop_jkt") not in (None, terms.confirmation.jkt):
        return Reason.KEY_NOT_PROVED  # RFC 9449 §10
    if terms.is_public and code_verifier is None:  # anybody could have the code
        return Reason.PKCE_FAILED
    if not frozenset(terms.resources) <= frozenset(resources_of(code)):
        return Reason.RESOURCE_NOT_GRANTED
    return None


def _redirect_matches(facts: CodeFacts, code: Token, sent: str) -> bool:
    asked = code.details.get("redirect_uri")
    registered = facts.registered_uri
    return (
        sent == asked
        and registered is not None
        and redirects.is_registered(sent, [registered])
    )
