"""Connections as they are shown: without a secret, but for the moment when it is made."""

from datetime import datetime
from typing import NotRequired
from uuid import UUID

from typing_extensions import TypedDict

from services.mithril_api.domain.connections import Connection
from services.mithril_api.handlers.rendering import Timestamp, timestamp
from services.mithril_api.store.connection_use import Use


class ConnectionObject(TypedDict):
    """What one consumer registered for one client."""

    id: UUID
    redirect_uri: str
    client_id: UUID
    consumer_id: UUID
    inserted_at: Timestamp
    updated_at: Timestamp


class OpenedConnectionObject(ConnectionObject):
    """The same with its new secret, which is shown this once, and its end where it has one."""

    secret: str
    client_secret_expires_at: NotRequired[int]


class SecretLifeObject(TypedDict):
    """A secret, without its value."""

    inserted_at: Timestamp
    expires_at: Timestamp | None
    is_live: bool


class ConnectionUse(TypedDict):
    """Which secrets a connection has, and when one was last used (to the hour)."""

    last_used_at: Timestamp | None
    secrets: list[SecretLifeObject]


def rendered(connection: Connection) -> ConnectionObject:
    """The Connection object of the contract, which has no secret."""
    return {
        "id": connection.id,
        "redirect_uri": connection.redirect_uri,
        "client_id": connection.client_id,
        "consumer_id": connection.consumer_id,
        "inserted_at": timestamp(connection.inserted_at),
        "updated_at": timestamp(connection.updated_at),
    }


def in_use(use: Use, *, now: datetime) -> ConnectionUse:
    """Which secrets there are, by when they were made, and when one was last used."""
    return {
        "last_used_at": None if use.last_at is None else timestamp(use.last_at),
        "secrets": [
            {
                "inserted_at": timestamp(secret.inserted_at),
                "expires_at": None
                if secret.expires_at is None
                else timestamp(secret.expires_at),
                "is_live": secret.expires_at is None or secret.expires_at > now,
            }
            for secret in use.secrets
        ],
    }
