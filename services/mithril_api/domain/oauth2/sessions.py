"""Whether a user's session is what a client asked for (OpenID Connect Core §3.1.2.1)."""

from datetime import datetime

from services.mithril_api.domain.bearers import is_session
from services.mithril_api.domain.oauth2.authorization import AuthorizationRequest
from services.mithril_api.domain.records import Token

_ANEW = frozenset({"login", "select_account"})


def is_fresh(
    request: AuthorizationRequest,
    session: Token | None,
    *,
    asked_at: datetime,
    now: datetime,
) -> bool:
    """Whether the user signed in late enough: after the request, or within `max_age`.

    Who signed in for the request may take their time over the answer. A session whose
    beginning nobody knows is never fresh.
    """
    anew = not _ANEW.isdisjoint(request.prompt)
    if not anew and request.max_age is None:
        return True
    at = auth_time_of(session)
    if at is None:
        return False
    if at >= int(asked_at.timestamp()):
        return True
    return not anew and now.timestamp() - at <= (request.max_age or 0)


def auth_time_of(session: Token | None) -> int | None:
    """When the user signed in; none where nobody wrote it down."""
    if session is None or not is_session(session):
        return None
    at = session.details.get("auth_time")
    return at if isinstance(at, int) else None
