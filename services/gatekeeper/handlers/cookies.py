"""The cookies of the back end: sealed ones, and `meta`, which the web app's scripts read."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import quote

from aiohttp import web

from services.gatekeeper.back_end import BackEnd
from services.gatekeeper.domain.sessions import (
    FLOW_SECONDS,
    Flow,
    Session,
    read_flows,
    read_session,
    write_flows,
    write_session,
)
from shared.peers.mithril_grants import Granted

_SESSION, _FLOWS = "gatekeeper session", "gatekeeper flows"


def flow_cookie(back: BackEnd) -> str:
    """The name of the cookie of sign-ins under way."""
    return f"{back.settings.session_cookie}-flow"


def own_cookies(back: BackEnd) -> frozenset[str]:
    """The names that are ours: neither told to the web app nor set by it."""
    return frozenset(
        {back.settings.session_cookie, flow_cookie(back), back.settings.meta_cookie}
    )


def session_of(request: web.Request, back: BackEnd) -> Session | None:
    """The session of a browser; none of another deployment, of a former key, or ended."""
    raw = _opened(request, back, back.settings.session_cookie, _SESSION)
    return None if raw is None else read_session(raw)


def flows_of(request: web.Request, back: BackEnd) -> list[Flow]:
    """The sign-ins that this browser began and has not finished."""
    raw = _opened(request, back, flow_cookie(back), _FLOWS)
    now = int(back.clock.now().timestamp())
    return [] if raw is None else read_flows(raw, now=now)


def set_session(
    response: web.StreamResponse, back: BackEnd, session: Session, granted: Granted
) -> None:
    """Keep a session in the browser, and tell its scripts who it is."""
    settings = back.settings
    ends = datetime.fromtimestamp(session.ends_at, tz=UTC)
    sealed = back.sealer.seal(_SESSION, write_session(session), expires_at=ends)
    left = session.ends_at - int(back.clock.now().timestamp())
    _set(response, settings.session_cookie, sealed, left)
    meta = {"scope": granted.scope, "userId": granted.user_id}
    response.set_cookie(
        settings.meta_cookie,
        quote(json.dumps(meta, separators=(",", ":")), safe=""),
        max_age=max(0, left),
        path="/",
        secure=True,
        samesite="Lax",
    )


def set_flows(response: web.StreamResponse, back: BackEnd, flows: Sequence[Flow]) -> None:
    """Keep the sign-ins under way; without any the cookie goes."""
    name = flow_cookie(back)
    if not flows:
        _clear(response, name)
        return
    ends = datetime.fromtimestamp(flows[-1].ends_at, tz=UTC)
    sealed = back.sealer.seal(_FLOWS, write_flows(flows), expires_at=ends)
    _set(response, name, sealed, FLOW_SECONDS)


def clear_session(response: web.StreamResponse, back: BackEnd) -> None:
    """Have the browser forget the session."""
    _clear(response, back.settings.session_cookie)
    response.set_cookie(
        back.settings.meta_cookie, "", max_age=0, path="/", secure=True, samesite="Lax"
    )


def _opened(request: web.Request, back: BackEnd, name: str, purpose: str) -> bytes | None:
    sealed = request.cookies.get(name)
    if sealed is None:
        return None
    return back.sealer.open(purpose, sealed, now=back.clock.now())


def _set(response: web.StreamResponse, name: str, value: str, seconds: int) -> None:
    response.set_cookie(
        name,
        value,
        max_age=max(0, seconds),
        path="/",
        secure=True,
        httponly=True,
        samesite="Lax",
    )


def _clear(response: web.StreamResponse, name: str) -> None:
    _set(response, name, "", 0)
