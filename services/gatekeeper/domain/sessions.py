"""What a browser keeps for us, sealed: a sign-in under way, and a session (RFC 7636)."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import orjson

_MOST_FLOWS = 3  # tabs that sign in at once; a cookie holds no more
FLOW_SECONDS = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A sign-in that began here: what must come back, and where to go then."""

    state: str
    verifier: str = field(repr=False)
    return_to: str
    ends_at: int  # unix seconds

    def challenge(self) -> str:
        """The code challenge, method S256 (RFC 7636 §4.2)."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def with_flow(flows: Sequence[Flow], flow: Flow, *, now: int) -> list[Flow]:
    """The flows that are still under way, the newest last."""
    return [*(item for item in flows if item.ends_at > now), flow][-_MOST_FLOWS:]


def write_flows(flows: Sequence[Flow]) -> bytes:
    """As they are sealed."""
    return orjson.dumps([[f.state, f.verifier, f.return_to, f.ends_at] for f in flows])


def read_flows(raw: bytes, *, now: int) -> list[Flow]:
    """Those of a cookie that we sealed which have not ended."""
    listed = [
        Flow(state=state, verifier=verifier, return_to=return_to, ends_at=ends_at)
        for state, verifier, return_to, ends_at in orjson.loads(raw)
    ]
    return [flow for flow in listed if flow.ends_at > now]


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A signed-in browser. The tokens are in its cookie, where it cannot read them."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    expires_at: int  # of the access token, unix seconds
    ends_at: int  # of the session, whatever is refreshed
    user_id: str

    def is_due(self, *, now: float, before: float) -> bool:
        """Whether the access token ends so soon that it should be refreshed."""
        return self.expires_at - before <= now

    def is_live(self, *, now: float) -> bool:
        """Whether the access token has not ended."""
        return now < self.expires_at


def write_session(session: Session) -> bytes:
    """As it is sealed."""
    return orjson.dumps(
        [
            session.access,
            session.refresh,
            session.expires_at,
            session.ends_at,
            session.user_id,
        ]
    )


def read_session(raw: bytes) -> Session:
    """That of a cookie that we sealed."""
    access, refresh, expires_at, ends_at, user_id = orjson.loads(raw)
    return Session(
        access=access,
        refresh=refresh,
        expires_at=expires_at,
        ends_at=ends_at,
        user_id=user_id,
    )
