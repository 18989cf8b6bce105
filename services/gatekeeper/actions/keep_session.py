"""Whether a browser's session goes on: refreshed before its token ends, and verified."""

from dataclasses import dataclass
from typing import TypeAlias

from services.gatekeeper.back_end import BackEnd
from services.gatekeeper.cache import Kept
from services.gatekeeper.domain.sessions import Session
from shared.peers.mithril import MithrilUnavailableError, RefusedToken
from shared.peers.mithril_grants import Granted, RefusedGrant


@dataclass(frozen=True, slots=True)
class GoesOn:
    """Its token works. `granted` holds the new tokens where they were refreshed."""

    session: Session
    kept: Kept
    granted: Granted | None


@dataclass(frozen=True, slots=True)
class Ended:
    """Its token works no longer, and nobody gives another."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """mithril-api does not answer, so nothing goes through."""


SessionVerdict: TypeAlias = GoesOn | Ended | Unknown


async def keep_session(
    back: BackEnd, session: Session, *, request_id: str
) -> SessionVerdict:
    """The verdict; a refresh that cannot be had waits while the token still works."""
    now = back.clock.now().timestamp()
    granted: Granted | None = None
    if session.is_due(now=now, before=back.settings.refresh_before_seconds):
        refreshed = await _refreshed(back, session, request_id)
        if isinstance(refreshed, Ended):
            return refreshed
        if isinstance(refreshed, Granted):
            granted, session = refreshed, renewed(session, refreshed)
        elif not session.is_live(now=now):
            return refreshed
    verdict = await _verified(back, session, request_id)
    if isinstance(verdict, Ended) and granted is None:
        # It was revoked alone, or ended by a clock that is ahead of ours.
        refreshed = await _refreshed(back, session, request_id)
        if not isinstance(refreshed, Granted):
            return refreshed
        granted, session = refreshed, renewed(session, refreshed)
        verdict = await _verified(back, session, request_id)
    if isinstance(verdict, Kept):
        return GoesOn(session, verdict, granted)
    return verdict


def renewed(session: Session, granted: Granted) -> Session:
    """The session with new tokens; its own end stays."""
    return Session(
        access=granted.access,
        refresh=granted.refresh,
        expires_at=granted.expires_at,
        ends_at=session.ends_at,
        user_id=granted.user_id,
    )


async def _refreshed(
    back: BackEnd, session: Session, request_id: str
) -> Granted | Ended | Unknown:
    try:
        verdict = await back.refresher.refresh(session, request_id=request_id)
    except MithrilUnavailableError:
        back.metrics.sessions.labels("kept").inc()
        return Unknown()
    if isinstance(verdict, RefusedGrant):
        back.metrics.sessions.labels("ended").inc()
        return Ended()
    back.metrics.sessions.labels("refreshed").inc()
    return verdict


async def _verified(
    back: BackEnd, session: Session, request_id: str
) -> Kept | Ended | Unknown:
    try:
        verdict = await back.verifier.token(
            session.access, api_key=None, request_id=request_id
        )
    except MithrilUnavailableError:
        return Unknown()
    return Ended() if isinstance(verdict, RefusedToken) else verdict
