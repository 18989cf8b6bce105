"""How often something may be asked for: a leaky bucket that keeps one moment (GCRA).

A limit of 60 in 60 seconds lets 60 requests through at once, and then one a second. All that
is kept of a caller is when what they asked for so far will have been earned: `settles_at`.
"""

import math
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

_LIMIT = re.compile(r"^([1-9][0-9]{0,8})/([1-9][0-9]{0,6})\Z")
_OFF = "off"


class Purpose(StrEnum):
    """What is limited."""

    LOGIN = "login"
    CODE = "code"
    RECOVERY = "recovery"
    NONCE = "nonce"
    TOKEN = "token"  # noqa: S105 — an endpoint
    INTROSPECTION = "introspection"
    AUTHORIZE = "authorize"
    DEVICE = "device"
    REGISTRATION = "registration"


class Holder(StrEnum):
    """Of whom a limit is, in the order in which they are asked.

    Who is turned away by one uses up nothing of the next.
    """

    ADDRESS = "address"
    CLIENT = "client"
    USER = "user"


@dataclass(frozen=True, slots=True)
class Limit:
    """So many in so many seconds."""

    count: int
    seconds: int

    @classmethod
    def parse(cls, text: str) -> "Limit | None":
        """From `60/60`; none where it says `off`."""
        if text == _OFF:
            return None
        match = _LIMIT.match(text)
        if match is None:
            raise ValueError("must be COUNT/SECONDS, or off")
        return cls(int(match[1]), int(match[2]))

    @property
    def interval(self) -> timedelta:
        """What one request costs: how long until it is earned."""
        return timedelta(seconds=self.seconds) / self.count

    @property
    def slack(self) -> timedelta:
        """How far ahead of now a caller's moment may be for one more request to pass."""
        return self.interval * (self.count - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exceeded:
    """Too many: of whom, and when to come again."""

    holder: Holder
    retry_after: int  # whole seconds, at least one


def wait(settles_at: datetime | None, limit: Limit, *, now: datetime) -> timedelta:
    """How long until one more may pass; nothing: now."""
    if settles_at is None:
        return timedelta(0)
    return max(timedelta(0), settles_at - limit.slack - now)


def after(settles_at: datetime | None, limit: Limit, *, now: datetime) -> datetime:
    """The caller's moment when one more has passed."""
    return max(settles_at or now, now) + limit.interval


def retry_after(settles_at: datetime | None, limit: Limit, *, now: datetime) -> int:
    """The same as `wait`, as `Retry-After` says it (RFC 9110 §10.2.3)."""
    return max(1, math.ceil(wait(settles_at, limit, now=now).total_seconds()))


def holder_of_address(address: str) -> str:
    """By which part of an address its holder is known: all of IPv4, the network of IPv6.

    Whoever has one IPv6 address has the 2⁶⁴ of its network. What is no address stands for
    itself: all such share one limit.
    """
    known = address_of(address)
    if known is None:
        return "unknown"
    if isinstance(known, IPv4Address):
        return str(known)
    return str(ip_network((known, 64), strict=False))


def address_of(text: str) -> IPv4Address | IPv6Address | None:
    """An address, whether or not a port and brackets are about it."""
    bare = text.strip()
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        known = ip_address(bare)
    except ValueError:
        return None
    if isinstance(known, IPv6Address) and known.ipv4_mapped is not None:
        return known.ipv4_mapped
    return known
