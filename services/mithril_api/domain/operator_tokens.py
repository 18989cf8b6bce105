"""Whether an operator may have a sign-in token made for a user (spec §1.4, decision D14)."""

from dataclasses import dataclass
from typing import TypeAlias

from services.mithril_api.domain.refusals import Reason, Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueFacts:
    """All that the database knows about it."""

    user_exists: bool
    user_is_blocked: bool = False
    client_exists: bool = False
    client_is_blocked: bool = False
    client_may_sign_in: bool = False  # `password` is among its allowed grant types
    client_type_scope: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """Give an access token with this scope."""

    scope: tuple[str, ...]


Verdict: TypeAlias = Issue | Refused


def judge(facts: IssueFacts, *, scope: tuple[str, ...]) -> Verdict:
    """The verdict on one token; checks in the order of spec §1.4.

    Unlike the original, neither a blocked user nor a blocked client gets one: it would be
    refused at its first use, and would work again after an unblock that meant no such thing.
    """
    if not facts.user_exists:
        return Refused(Reason.NOT_FOUND)
    if facts.user_is_blocked:
        return Refused(Reason.USER_BLOCKED)
    if not facts.client_exists:
        return Refused(Reason.CLIENT_UNKNOWN_AT_LOGIN)
    if facts.client_is_blocked:
        return Refused(Reason.CLIENT_BLOCKED)
    if not facts.client_may_sign_in:
        return Refused(Reason.CLIENT_GRANT_FORBIDDEN)
    if not facts.client_type_scope.issuperset(scope):
        return Refused(Reason.SCOPE_NOT_OF_CLIENT_TYPE)
    return Issue(scope=scope)
