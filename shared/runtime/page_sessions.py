"""The session of a browser: sealed in one cookie, bounded in life, its forms bound to it.

Nothing is kept on the server, so any replica may answer. A session exists before anyone signs
in, to bind forms to; whoever signs in gets a new one (`renew`), so that a session planted
earlier is worth nothing. A cookie that this deployment did not seal is no session at all.
"""

import hmac
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from aiohttp import web

from shared.runtime.clock import Clock
from shared.runtime.entropy import Entropy
from shared.runtime.sealed import Sealer

_PURPOSE = "session"
_COOKIE_LIMIT = 4000  # browsers drop a cookie of more than 4096 bytes, name included


@dataclass(slots=True, kw_only=True)
class Session:
    """What is known of a browser during one request; saved to its cookie if it changed."""

    id: str = field(repr=False)
    expires_at: datetime
    values: dict[str, Any] = field(default_factory=dict, repr=False)
    new: bool = False  # the browser has no cookie of it yet
    touched: bool = False  # whether the cookie must be written

    def get(self, name: str) -> Any:
        """A value, or none."""
        return self.values.get(name)

    def put(self, **values: Any) -> None:
        """Keep values; a value of none is forgotten."""
        for name, value in values.items():
            if value is None:
                self.values.pop(name, None)
            else:
                self.values[name] = value
        self.touched = True

    def flash(self, message: str, *, kind: str = "done") -> None:
        """Keep a message (the key of a text) for the next page that is shown."""
        self.put(flash=[*self.values.get("flash", []), [kind, message]])

    def flashes(self) -> list[tuple[str, str]]:
        """Take the messages that wait: (kind, message)."""
        waiting = self.values.get("flash", [])
        if waiting:
            self.put(flash=None)
        return [(kind, message) for kind, message in waiting]

    def csrf(self) -> str:
        """The token that each form of this session carries."""
        return hmac.digest(self.id.encode(), b"csrf", "sha256").hex()[:32]

    def is_csrf(self, given: str) -> bool:
        """Whether a form was made for this session."""
        return hmac.compare_digest(given.encode("utf-8", "replace"), self.csrf().encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class Sessions:
    """Opens and saves sessions. The cookie's name should begin with `__Host-`."""

    cookie: str
    sealer: Sealer
    clock: Clock
    entropy: Entropy
    lifetime: timedelta

    def open(self, request: web.Request) -> Session:
        """The session of the browser that asks; a new, empty one where there is none."""
        sealed = request.cookies.get(self.cookie)
        if sealed is not None:
            payload = self.sealer.open(_PURPOSE, sealed, now=self.clock.now())
            if payload is not None:
                return _read(payload)
        return self._fresh()

    def renew(self, session: Session, *, until: datetime | None = None) -> None:
        """Make it another session, empty, with a new id: at sign-in and at sign-out.

        It ends at `until`, if that is sooner than its full life.
        """
        fresh = self._fresh()
        session.id, session.values = fresh.id, {}
        session.expires_at = min(until or fresh.expires_at, fresh.expires_at)
        session.touched = True

    def save(self, session: Session, response: web.StreamResponse) -> None:
        """Write the cookie, if the session changed."""
        if not session.touched:
            return
        values = {"i": session.id, "e": session.expires_at.timestamp(), "v": session.values}
        sealed = self.sealer.seal(
            _PURPOSE, orjson.dumps(values), expires_at=session.expires_at
        )
        if len(sealed) + len(self.cookie) > _COOKIE_LIMIT:
            raise ValueError("a session must fit in a cookie")
        left = (session.expires_at - self.clock.now()).total_seconds()
        response.set_cookie(
            self.cookie,
            sealed,
            max_age=max(0, int(left)),
            path="/",
            secure=True,
            httponly=True,
            samesite="Lax",
        )

    def _fresh(self) -> Session:
        return Session(
            id=f"{self.entropy.bits(128):032x}",
            expires_at=self.clock.now() + self.lifetime,
            new=True,
        )


def _read(payload: bytes) -> Session:
    """A session that we sealed; one of an older release has the same three keys."""
    kept = orjson.loads(payload)
    moment = datetime.fromtimestamp(kept["e"], tz=UTC)
    return Session(id=kept["i"], expires_at=moment, values=kept["v"])
