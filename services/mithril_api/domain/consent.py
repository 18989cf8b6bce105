"""Whether a user may let a client act with a scope (spec §1.3 O3, decision D14)."""

from dataclasses import dataclass
from typing import TypeAlias

from services.mithril_api.domain import redirects
from services.mithril_api.domain.refusals import Reason, Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentFacts:
    """All that the database knows about one consent."""

    client_exists: bool
    client_name: str = ""
    client_is_blocked: bool = False
    user_exists: bool = False
    user_is_blocked: bool = False
    redirect_uris: tuple[str, ...] = ()
    client_type_scope: frozenset[str] = frozenset()
    role_scope: tuple[str, ...] = ()  # of the user's roles in this client, then everywhere
    approved: frozenset[str] = frozenset()  # what the user let this client do so far


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """Record it, and give a code for this scope."""

    scope: tuple[str, ...]


Verdict: TypeAlias = Consent | Refused


def judge(
    facts: ConsentFacts,
    *,
    redirect_uri: str,
    scope: tuple[str, ...],
    client_is_trusted: bool,
    unbound: frozenset[str] = frozenset(),
) -> Verdict:
    """The verdict on one consent; checks in the order of spec §1.3 O3.

    A trusted client need not say what it wants: it gets all that the user's roles hold. No
    role and no client type has to hold what is `unbound`.
    """
    if not facts.client_exists:
        return Refused(Reason.CLIENT_UNKNOWN)
    if facts.client_is_blocked:
        return Refused(Reason.CLIENT_BLOCKED)
    if not facts.user_exists:
        return Refused(Reason.USER_UNKNOWN)
    if facts.user_is_blocked:
        return Refused(Reason.USER_BLOCKED)
    if not redirects.is_registered(redirect_uri, facts.redirect_uris):
        return Refused(Reason.REDIRECT_MISMATCH_AT_CONSENT)
    if client_is_trusted and not scope:
        scope = tuple(dict.fromkeys(facts.role_scope))
    if not scope:
        return Refused(Reason.SCOPE_EMPTY)
    bound = set(scope) - unbound
    if not facts.client_type_scope.issuperset(bound):
        return Refused(Reason.SCOPE_NOT_OF_CLIENT_TYPE)
    if not set(facts.role_scope).issuperset(bound):
        return Refused(Reason.SCOPE_NOT_OF_ROLES)
    return Consent(scope=scope)
