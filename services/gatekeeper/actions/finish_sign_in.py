"""Turn a code that came back into a session (RFC 6749 §4.1.3, RFC 9207, RFC 7636)."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from services.gatekeeper.back_end import BackEnd
from services.gatekeeper.domain.sessions import Flow, Session
from shared.peers.mithril import MithrilUnavailableError, RefusedToken
from shared.peers.mithril_grants import Granted, RefusedGrant


@dataclass(frozen=True, slots=True, kw_only=True)
class CameBack:
    """The parameters of the redirect, none where they were not there or not once."""

    code: str | None = field(repr=False)
    state: str | None
    issuer: str | None
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A new session, and where its browser wanted to go."""

    session: Session
    granted: Granted
    return_to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotSignedIn:
    """No session; `kind` names the page that says why."""

    status: int
    kind: str


Outcome: TypeAlias = SignedIn | NotSignedIn


async def finish_sign_in(
    back: BackEnd, came: CameBack, flows: Sequence[Flow], *, request_id: str
) -> tuple[Outcome, Sequence[Flow]]:
    """The outcome and the flows still under way: one that came back is over, come what may."""
    flow = _flow_of(flows, came.state)
    if flow is None:
        return NotSignedIn(status=403, kind="state"), flows
    left = [item for item in flows if item is not flow]
    expected = back.settings.issuer
    if expected is not None and came.issuer != expected:
        return NotSignedIn(status=403, kind="issuer"), left
    if came.error is not None:
        return NotSignedIn(status=403, kind="declined"), left
    if not came.code:
        return NotSignedIn(status=400, kind="code"), left
    return await _exchange(back, came.code, flow, request_id), left


def _flow_of(flows: Sequence[Flow], state: str | None) -> Flow | None:
    """The sign-in of this browser that has this state."""
    given = (state or "").encode("utf-8", "surrogatepass")
    for flow in flows:
        if hmac.compare_digest(flow.state.encode(), given):
            return flow
    return None


async def _exchange(back: BackEnd, code: str, flow: Flow, request_id: str) -> Outcome:
    try:
        granted = await back.grants.exchange_code(
            code,
            redirect_uri=back.settings.redirect_uri,
            verifier=flow.verifier,
            request_id=request_id,
        )
        if isinstance(granted, RefusedGrant):
            return NotSignedIn(status=403, kind="code")
        # A token that would be refused at the next request must not begin a session: the
        # browser would be sent round and round.
        verdict = await back.verifier.token(
            granted.access, api_key=None, request_id=request_id
        )
    except MithrilUnavailableError:
        return NotSignedIn(status=503, kind="unavailable")
    if isinstance(verdict, RefusedToken):
        return NotSignedIn(status=403, kind="refused")
    now = int(back.clock.now().timestamp())
    session = Session(
        access=granted.access,
        refresh=granted.refresh,
        expires_at=granted.expires_at,
        ends_at=now + back.settings.session_seconds,
        user_id=granted.user_id,
    )
    return SignedIn(session=session, granted=granted, return_to=flow.return_to)
