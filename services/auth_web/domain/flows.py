"""What a sign-in is for: a client that asked for it, or a page of ours; and where it may end.

The query of `/sign-in` says it, and is carried along through all pages (legacy §8.1), so that
two tabs never mix. Nothing here is believed until mithril-api has matched client and redirect
URI; what can be told without asking is told here.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import TypeAlias
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from shared.wire.addresses import is_sound

_UUID = re.compile(r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")
_CHALLENGE = re.compile(r"^[A-Za-z0-9_-]{43}\Z")
_LONGEST = {
    "redirect_uri": 2048,
    "scope": 8192,
    "state": 2048,
    "email": 255,
    "request_uri": 255,
    "prompt": 255,
    "user_code": 32,
}


class OwnPage(StrEnum):
    """Pages of ours that need a sign-in."""

    ACCOUNT = "account"
    APPROVALS = "approvals"
    FACTORS = "factors"

    @property
    def path(self) -> str:
        """Where it is."""
        return "/" if self is OwnPage.ACCOUNT else f"/{self.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToClient:
    """A client wants a user to sign in and to consent."""

    client_id: str
    redirect_uri: str
    scope: str = ""
    state: str | None = None
    code_challenge: str | None = None
    code_challenge_method: str | None = None
    email: str | None = None
    # Of a request that mithril-api keeps (RFC 9126): all that is asked is in it, and only
    # what is shown, and where the forms may end, is said here.
    request_uri: str | None = None
    prompt: str | None = None  # `none`: nothing may be shown at all

    @property
    def is_silent(self) -> bool:
        """Whether the user must not be asked anything (OpenID Connect Core §3.1.2.1)."""
        return self.request_uri is not None and self.prompt == "none"

    def query(self) -> str:
        """The flow as a query."""
        given = ((field.name, getattr(self, field.name)) for field in fields(self))
        return urlencode([(name, value) for name, value in given if value])

    def denied(self) -> str:
        """Where a user who refuses is sent (RFC 6749 §4.1.2.1)."""
        return _with_parameters(self.redirect_uri, error="access_denied", state=self.state)

    def place(self) -> str:
        """The host that the client's redirect leads to, for people to read."""
        return urlsplit(self.redirect_uri).netloc

    def sources(self) -> tuple[str, ...]:
        """Where the forms of this flow may end, as CSP sources.

        A client may redirect on from its own address to another of its own, and browsers hold
        `form-action` against the whole chain: any `https:` will do. Plain http is loopback.
        """
        parts = urlsplit(self.redirect_uri)
        if parts.scheme == "http":
            return ("https:", f"http://{parts.netloc}")
        return ("https:",)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToOwnPage:
    """A user wants to see a page of ours. `again`: though they are signed in (step-up)."""

    page: OwnPage
    again: bool = False
    email: str | None = None

    def query(self) -> str:
        """The flow as a query."""
        given = {"to": self.page.value, "email": self.email}
        return urlencode({name: value for name, value in given.items() if value})

    def sources(self) -> tuple[str, ...]:
        """Nowhere but to us."""
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ToDevice:
    """A device waits for its user to allow what it asks for (RFC 8628)."""

    user_code: str  # as it was typed
    email: str | None = None

    def query(self) -> str:
        """The flow as a query."""
        given = {"to": DEVICE, "user_code": self.user_code, "email": self.email}
        return urlencode({name: value for name, value in given.items() if value})

    def sources(self) -> tuple[str, ...]:
        """Nowhere but to us."""
        return ()


Flow: TypeAlias = ToClient | ToOwnPage | ToDevice
DEVICE = "device"


class Fault(StrEnum):
    """Why a query is no flow: each has a page of its own, and never redirects."""

    NO_CLIENT_ID = "no_client_id"
    NO_REDIRECT_URI = "no_redirect_uri"
    WRONG_CLIENT = "wrong_client"
    WRONG_REDIRECT = "wrong_redirect"
    CLIENT_BLOCKED = "client_blocked"
    BAD_REQUEST = "bad_request"


_NAMES = frozenset(field.name for field in fields(ToClient))


def parse(query: Sequence[tuple[str, str]]) -> Flow | Fault:
    """The flow that a query describes."""
    names = [name for name, _ in query if name in _NAMES]
    if len(names) != len(set(names)):  # RFC 6749 §3.1: not more than once
        return Fault.BAD_REQUEST
    given = {name: value for name, value in query if value}
    if any(len(given.get(name, "")) > most for name, most in _LONGEST.items()):
        return Fault.BAD_REQUEST
    if "to" in given and "client_id" not in given:
        return _own_page(given)
    if "client_id" not in given:
        return Fault.NO_CLIENT_ID
    if "redirect_uri" not in given:
        return Fault.NO_REDIRECT_URI
    if _UUID.match(given["client_id"]) is None:
        return Fault.WRONG_CLIENT
    if not is_sound(given["redirect_uri"]):
        return Fault.WRONG_REDIRECT
    if not _challenge_is_whole(given):
        return Fault.BAD_REQUEST
    return ToClient(**{name: value for name, value in given.items() if name in _NAMES})


def _own_page(given: dict[str, str]) -> Flow | Fault:
    if given["to"] == DEVICE and "user_code" in given:
        return ToDevice(user_code=given["user_code"], email=given.get("email"))
    try:
        page = OwnPage(given["to"])
    except ValueError:
        return Fault.BAD_REQUEST
    return ToOwnPage(page=page, again="again" in given, email=given.get("email"))


def _challenge_is_whole(given: dict[str, str]) -> bool:
    challenge, method = given.get("code_challenge"), given.get("code_challenge_method")
    if challenge is None:
        return method is None
    return method == "S256" and _CHALLENGE.match(challenge) is not None


def _with_parameters(uri: str, **parameters: str | None) -> str:
    parts = urlsplit(uri)
    given = {name: value for name, value in parameters.items() if value is not None}
    kept = [
        (name, value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
        if name not in given
    ]
    return urlunsplit(parts._replace(query=urlencode([*given.items(), *kept])))
