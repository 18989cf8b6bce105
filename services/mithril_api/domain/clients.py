"""Clients: what one must be, and what a change makes of it (spec §1.4, §3.10, decision D3)."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from services.mithril_api.domain.oauth2 import client_metadata
from services.mithril_api.domain.refusals import Unfit
from shared.events.accounts import (
    ClientBlocked,
    ClientCreated,
    ClientUnblocked,
    ClientUpdated,
)
from shared.events.envelope import Event
from shared.models.ids import ClientId, UserId
from shared.models.tokens import AccessType, RefreshPolicy
from shared.wire.envelope import Invalid

REQUIRED = ("name", "user_id", "client_type_id")
NEVER_BLANK = (*REQUIRED, "settings", "priv_settings")
_DEFAULT_PRIV_SETTINGS = {"access_type": AccessType.BROKER.value}


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """An OAuth client and tenant."""

    id: ClientId
    name: str
    settings: Mapping[str, Any]
    priv_settings: Mapping[str, Any]
    is_blocked: bool
    block_reason: str | None
    user_id: UserId
    client_type_id: UUID
    inserted_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientChange:
    """What a request says of a client; none: nothing."""

    name: str | None = None
    settings: Mapping[str, Any] | None = None
    priv_settings: Mapping[str, Any] | None = None
    is_blocked: bool | None = None
    block_reason: str | None = None  # an empty one takes the reason away
    user_id: UserId | None = None
    client_type_id: UUID | None = None


def complaints(settings: object, priv_settings: object) -> list[Invalid]:
    """All that is wrong inside the two settings, where they are objects at all."""
    found: list[Invalid] = []
    if isinstance(settings, Mapping):
        found += _of_settings(settings)
    if isinstance(priv_settings, Mapping):
        found += _of_priv_settings(priv_settings)
    return found


def _of_settings(settings: Mapping[str, Any]) -> list[Invalid]:
    found = []
    policy = settings.get("refresh_token_policy")
    policies = tuple(item.value for item in RefreshPolicy)
    if policy is not None and policy not in policies:
        found.append(
            Invalid(
                entry="$.settings.refresh_token_policy",
                rule="inclusion",
                params=policies,
                description="is invalid",
            )
        )
    grants = settings.get("allowed_grant_types", [])
    if not isinstance(grants, list) or not all(isinstance(item, str) for item in grants):
        found.append(_miscast("$.settings.allowed_grant_types", "array"))
    return found + client_metadata.complaints(settings)


def _of_priv_settings(priv_settings: Mapping[str, Any]) -> list[Invalid]:
    found = []
    access_type = priv_settings.get("access_type")
    if access_type is None:
        found.append(_invalid("$.priv_settings", "access_type required."))
    elif access_type not in tuple(item.value for item in AccessType):
        found.append(_invalid("$.priv_settings", "access_type is invalid."))
    broker_scope = priv_settings.get("broker_scope")
    if broker_scope is not None and not isinstance(broker_scope, str):
        found.append(_miscast("$.priv_settings.broker_scope", "string"))
    return found


def _invalid(entry: str, description: str) -> Invalid:
    return Invalid(entry=entry, rule=None, description=description)


def _miscast(entry: str, kind: str) -> Invalid:
    return Invalid(entry=entry, rule="cast", params=(kind,), description="is invalid")


def new_client(
    client_id: ClientId, change: ClientChange, *, now: datetime
) -> Client | Unfit:
    """The client that a request describes in full, or what it does not say."""
    if change.name is None or change.user_id is None or change.client_type_id is None:
        missing = [name for name in REQUIRED if getattr(change, name) is None]
        return Unfit(tuple(_missing(name) for name in missing))
    return Client(
        id=client_id,
        name=change.name,
        settings=change.settings or {},
        priv_settings=change.priv_settings or _DEFAULT_PRIV_SETTINGS,
        is_blocked=bool(change.is_blocked),
        block_reason=change.block_reason or None,
        user_id=change.user_id,
        client_type_id=change.client_type_id,
        inserted_at=now,
        updated_at=now,
    )


def _missing(name: str) -> Invalid:
    return Invalid(entry=f"$.{name}", rule="required", description="can't be blank")


def changed(client: Client, change: ClientChange, *, now: datetime) -> Client:
    """The client with what the request says; the same object where nothing changes."""
    said = {
        item.name: getattr(change, item.name)
        for item in fields(change)
        if getattr(change, item.name) is not None
    }
    if "block_reason" in said:
        said["block_reason"] = said["block_reason"] or None
    after = replace(client, **said)
    return client if after == client else replace(after, updated_at=now)


def fields_between(before: Client, after: Client) -> tuple[str, ...]:
    """The names of the fields in which a client differs from what it was."""
    return tuple(
        item.name
        for item in fields(ClientChange)
        if getattr(before, item.name) != getattr(after, item.name)
    )


def told_of_change(after: Client, names: tuple[str, ...], client_type: str) -> list[Event]:
    """What consumers are told when fields of these names changed."""
    if not names:
        return []
    updated = ClientUpdated(
        client_id=after.id, name=after.name, client_type=client_type, fields=names
    )
    if "is_blocked" not in names:
        return [updated]
    if after.is_blocked:
        return [updated, ClientBlocked(client_id=after.id, reason=after.block_reason)]
    return [updated, ClientUnblocked(client_id=after.id, reason=after.block_reason)]


def told_of_creation(client: Client, client_type: str) -> list[Event]:
    """What consumers are told of a new client."""
    made = ClientCreated(client_id=client.id, name=client.name, client_type=client_type)
    if not client.is_blocked:
        return [made]
    return [made, ClientBlocked(client_id=client.id, reason=client.block_reason)]
