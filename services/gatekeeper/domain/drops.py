"""Which kept verdicts each event ends.

An event drops more rather than less: all that is kept of the user or client it is about. What
is dropped is asked for again, which costs a millisecond; what is not dropped passes for
seconds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias
from uuid import UUID

import orjson

from shared.events import accounts, keys, tokens
from shared.events.envelope import Event

TOPICS = (tokens.TOPIC, accounts.TOPIC)


@dataclass(frozen=True, slots=True)
class DropAll:
    """Whatever is kept goes."""


@dataclass(frozen=True, slots=True)
class DropOf:
    """What is kept of any of these: tokens, users, clients of a token, and brokers."""

    ids: frozenset[UUID]


@dataclass(frozen=True, slots=True)
class Keep:
    """The event changes no verdict on a token that works."""


Drop: TypeAlias = DropAll | DropOf | Keep

# The fields that hold whose verdicts end. Of a revocation by family, app or user, all that is
# kept of the user goes: a verdict does not say to which family or app its token belongs.
BY_FIELDS: Mapping[type[Event], tuple[str, ...]] = MappingProxyType(
    {
        tokens.TokenChanged: ("token_id", "user_id"),
        tokens.ReuseDetected: ("user_id",),
        accounts.UserUpdated: ("user_id",),  # a verdict says which person the user is
        accounts.UserDeleted: ("user_id",),
        accounts.UserBlocked: ("user_id",),
        accounts.PasswordChanged: ("user_id",),
        accounts.FactorChanged: ("user_id",),
        accounts.FactorLocked: ("user_id",),
        accounts.UserRoleGranted: ("user_id",),
        accounts.UserRoleWithdrawn: ("user_id",),
        accounts.AppRevoked: ("user_id",),
        accounts.ClientUpdated: ("client_id",),  # access_type and broker_scope are there
        accounts.ClientDeleted: ("client_id",),
        accounts.ClientBlocked: ("client_id",),
        accounts.ConnectionChanged: ("client_id", "consumer_id"),  # its key may be gone
        accounts.ConnectionSecretRotated: ("client_id", "consumer_id"),
    }
)
# They say nothing of the tokens that they touch.
EVERYTHING: tuple[type[Event], ...] = (
    accounts.RoleChanged,
    accounts.ClientTypeChanged,
    accounts.ImportCompleted,
)
# They only give: no verdict that is kept says more than it did. (A refusal is never kept.)
IRRELEVANT: tuple[type[Event], ...] = (
    tokens.TokenIssued,
    tokens.TokenExchanged,
    tokens.TokenRefreshed,
    tokens.TokensPurged,  # expired long ago
    accounts.LoginSucceeded,
    accounts.LoginFailed,
    accounts.RecoveryStarted,  # nothing is changed yet
    accounts.UserCreated,
    accounts.UserUnblocked,
    accounts.AppApproved,
    accounts.ConnectionSecretExpiring,  # it still works
    accounts.ClientCreated,
    accounts.ClientRegistered,
    accounts.ClientUnblocked,
    keys.SigningKeyMade,  # a verdict rests on what is stored, not on a signature
    keys.SigningKeyRetired,
)

_FIELDS = {event.type: fields for event, fields in BY_FIELDS.items()}
_KEPT = {event.type for event in IRRELEVANT}


def drop_of(event_type: str | None, payload: bytes | None) -> Drop:
    """What an event drops. What is not known, or cannot be read, drops everything."""
    if event_type in _KEPT:
        return Keep()
    if event_type == tokens.TokensRevoked.type:
        return _revoked(payload)
    fields = _FIELDS.get(event_type or "")
    if fields is None:
        return DropAll()
    return _of(_object(payload), fields)


def _revoked(payload: bytes | None) -> Drop:
    """By user where it has one, or by token; a whole client where it has neither."""
    data = _object(payload)
    named = [name for name in ("user_id", "token_id") if data.get(name) is not None]
    return _of(data, named or ["client_id"])


def _of(data: Mapping[str, object], fields: Sequence[str]) -> Drop:
    try:
        return DropOf(frozenset(UUID(str(data[name])) for name in fields))
    except (KeyError, ValueError):
        return DropAll()


def _object(payload: bytes | None) -> Mapping[str, object]:
    try:
        value = orjson.loads(payload or b"")
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}
