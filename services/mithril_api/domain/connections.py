"""Connections: the credentials that a consumer has for a client (spec §1.4, §3.10, D4)."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from services.mithril_api.domain.refusals import Reason, Refused
from services.mithril_api.domain.values import base62
from shared.events.accounts import ConnectionChanged, ConnectionSecretRotated
from shared.models.ids import ClientId, ConnectionId

SECRET_BITS = 190  # what 32 letters and digits hold
_SECRET_LENGTH = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """What one consumer registered for one client. Its secrets are not here."""

    id: ConnectionId
    redirect_uri: str
    client_id: ClientId
    consumer_id: ClientId
    inserted_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionChange:
    """What a request changes; none: it stays."""

    redirect_uri: str | None = None
    consumer_id: ClientId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A connection and its new secret, which is shown once and then forgotten."""

    connection: Connection
    secret: str = field(repr=False)
    expires_at: datetime | None  # none: when it is rotated
    is_new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Fresh:
    """A secret that was just made, and when it ends."""

    secret: str = field(repr=False)
    expires_at: datetime | None


def changed(
    connection: Connection, change: ConnectionChange, *, now: datetime
) -> Connection:
    """The connection with what the request says; the same object where nothing changes."""
    after = replace(
        connection,
        redirect_uri=change.redirect_uri or connection.redirect_uri,
        consumer_id=change.consumer_id or connection.consumer_id,
    )
    return connection if after == connection else replace(after, updated_at=now)


def secret_of(random: int) -> str:
    """The secret made of so many random bits."""
    return base62(random, _SECRET_LENGTH)


def judge_rotation(
    connection: Connection, *, api_key_sent: bool, key_owner: ClientId | None
) -> Refused | None:
    """Whether the caller may have a new secret; none: yes.

    A consumer that is not the client itself proves by the key of a connection of its own.
    """
    if connection.consumer_id == connection.client_id:
        return None
    if not api_key_sent:
        return Refused(Reason.API_KEY_UNSET)
    if key_owner is None:
        return Refused(Reason.API_KEY_UNKNOWN_AT_REFRESH)
    if key_owner != connection.consumer_id:
        return Refused(Reason.API_KEY_OF_ANOTHER)
    return None


def told_of_change(
    connection: Connection, change: Literal["created", "updated", "deleted"]
) -> ConnectionChanged:
    """The event that tells what became of a connection."""
    return ConnectionChanged(
        client_id=connection.client_id,
        connection_id=connection.id,
        consumer_id=connection.consumer_id,
        change=change,
    )


def told_of_rotation(connection: Connection) -> ConnectionSecretRotated:
    """The event that tells of a new secret."""
    return ConnectionSecretRotated(
        client_id=connection.client_id,
        connection_id=connection.id,
        consumer_id=connection.consumer_id,
    )
