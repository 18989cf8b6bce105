"""Revoke what a session holds."""

from services.gatekeeper.back_end import BackEnd
from services.gatekeeper.domain.sessions import Session
from shared.peers.mithril import MithrilUnavailableError
from shared.peers.mithril_grants import Granted


async def sign_out(back: BackEnd, session: Session, *, request_id: str) -> bool:
    """Whether mithril-api says that nothing of it works now.

    An access token that has ended cannot be signed out with; its successor can, and takes
    the family along.
    """
    back.metrics.sessions.labels("signed_out").inc()
    try:
        if await back.grants.log_out(session.access, request_id=request_id):
            return True
        verdict = await back.grants.refresh(session.refresh, request_id=request_id)
        if not isinstance(verdict, Granted):
            return True  # revoked, or ended: nothing is left
        return await back.grants.log_out(verdict.access, request_id=request_id)
    except MithrilUnavailableError:
        return False
