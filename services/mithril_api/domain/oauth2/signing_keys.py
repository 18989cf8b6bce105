"""The keys by which tokens are signed: which one signs, which are published, what to make next.

A key is published before its turn and stays published after it, so that whoever keeps our
JWKS for as long as we let them can check every signature that has not expired. Of each
algorithm one key signs at a time; its successor takes over at the moment it retires.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

JWKS_LIFE = timedelta(minutes=5)  # for which anybody may keep our JWKS
RELOAD = timedelta(seconds=60)  # for which a process of ours may keep the ring
SETTLES = JWKS_LIFE + 2 * RELOAD  # then everybody can know a key that was made
LEAD = timedelta(days=1)  # by which a key is made before its turn
REMEMBERED = timedelta(days=90)  # a key's public half, for hints that it signed (OIDC)


class Alg(StrEnum):
    """How a token may be signed (RFC 7518 §3.1, RFC 8037)."""

    RS256 = "RS256"
    PS256 = "PS256"
    ES256 = "ES256"
    EDDSA = "EdDSA"


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A key at rest. `retires_at` and `expires_at` are none until it has a successor."""

    kid: str  # RFC 7638
    alg: Alg
    public_jwk: Mapping[str, Any]
    sealed_private: bytes | None = field(default=None, repr=False)  # none: it signs no more
    inserted_at: datetime
    activates_at: datetime
    retires_at: datetime | None = None
    expires_at: datetime | None = None
    is_compromised: bool = False  # then nothing proves that we signed

    def signs(self, now: datetime) -> bool:
        """Whether it is its turn."""
        retired = self.retires_at is not None and self.retires_at <= now
        return self.activates_at <= now and not retired

    def is_published(self, now: datetime) -> bool:
        """Whether its public half is in the JWKS."""
        return self.expires_at is None or self.expires_at > now

    def due(self, lifetime: timedelta) -> datetime:
        """When a successor should have taken over."""
        return self.activates_at + lifetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A key to make, and those that retire when it takes over."""

    alg: Alg
    activates_at: datetime
    replaces: tuple[SigningKey, ...] = ()


def signing(keys: Iterable[SigningKey], alg: Alg, now: datetime) -> SigningKey | None:
    """The key that signs; of several, the one that took over last."""
    fit = [key for key in keys if key.alg is alg and key.signs(now)]
    return max(fit, key=lambda key: (key.activates_at, key.kid), default=None)


def published(keys: Iterable[SigningKey], now: datetime) -> list[SigningKey]:
    """The keys of the JWKS."""
    return [key for key in keys if key.is_published(now)]


def wanted(
    keys: Sequence[SigningKey], algs: Iterable[Alg], *, lifetime: timedelta, now: datetime
) -> list[Wanted]:
    """What to make: the first key of an algorithm, or the successor of one whose time nears.

    The first one signs at once: there is nothing else. A successor never does before
    everybody can know it, however late it is made.
    """
    found = []
    for alg in algs:
        open_ended = [key for key in keys if key.alg is alg and key.retires_at is None]
        newest = max(open_ended, key=lambda key: key.activates_at, default=None)
        if newest is None:
            found.append(Wanted(alg=alg, activates_at=now))
        elif newest.due(lifetime) - LEAD <= now:
            at = max(newest.due(lifetime), now + SETTLES)
            found.append(Wanted(alg=alg, activates_at=at, replaces=tuple(open_ended)))
    return found


def wanted_at_once(
    keys: Sequence[SigningKey], algs: Iterable[Alg], *, compromised: bool, now: datetime
) -> list[Wanted]:
    """A new key of each algorithm in place of all others: when everybody can know it, or now.

    Of a key that somebody else has, every moment counts: whoever meets an unknown key asks
    for the JWKS anew.
    """
    at = now if compromised else now + SETTLES
    return [
        Wanted(
            alg=alg,
            activates_at=at,
            replaces=tuple(
                key
                for key in keys
                if key.alg is alg
                and (key.is_published(now) if compromised else _goes_on(key, at))
            ),
        )
        for alg in algs
    ]


def _goes_on(key: SigningKey, at: datetime) -> bool:
    return key.retires_at is None or key.retires_at > at


def retired(
    key: SigningKey, *, at: datetime, signatures_live: timedelta, compromised: bool = False
) -> SigningKey:
    """The key as it ends then. A compromised one is published no more."""
    ends = at if compromised else at + signatures_live + 2 * RELOAD
    retires = at if key.retires_at is None else min(at, key.retires_at)
    return replace(key, retires_at=retires, expires_at=ends, is_compromised=compromised)


def is_spent(key: SigningKey, now: datetime) -> bool:
    """Whether no process can sign with a key any more, so its private half may go."""
    return key.retires_at is not None and key.retires_at + 2 * RELOAD <= now


def is_forgotten(key: SigningKey, now: datetime) -> bool:
    """Whether nothing that it signed means anything any more."""
    return key.expires_at is not None and key.expires_at + REMEMBERED <= now


def state_of(key: SigningKey, now: datetime) -> str:
    """What a key does now, in a word for operators."""
    if not key.is_published(now):
        return "withdrawn"
    if key.signs(now):
        return "signs"
    return "next" if key.activates_at > now else "retired"
