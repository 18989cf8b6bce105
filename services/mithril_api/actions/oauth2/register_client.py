"""A client registers itself, and manages that (RFC 7591, RFC 7592): one transaction each."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.actions.delete_client import delete_within
from services.mithril_api.actions.minting import message
from services.mithril_api.actions.put_client import put_within
from services.mithril_api.actions.rotating import rotate
from services.mithril_api.deps import Deps
from services.mithril_api.domain import values
from services.mithril_api.domain.clients import Client, ClientChange
from services.mithril_api.domain.connections import (
    SECRET_BITS,
    Connection,
    ConnectionChange,
    Fresh,
    changed,
    secret_of,
    told_of_change,
)
from services.mithril_api.domain.oauth2.registration import Registration
from services.mithril_api.domain.refusals import Unfit
from services.mithril_api.store import clients, connections, registrations, violations
from shared.events.accounts import ClientRegistered
from shared.events.envelope import Event
from shared.models.ids import ClientId, ConnectionId, UserId
from shared.models.tokens import AccessType
from shared.runtime import outbox
from shared.runtime.postgres import retrying


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A client that registered itself. What is secret is shown now, and never again."""

    client_id: ClientId
    registration: Registration
    scope: tuple[str, ...]
    at: datetime
    token: str = field(repr=False)
    secret: Fresh | None = None  # none: it has none, or keeps its own


@dataclass(frozen=True, slots=True)
class Unknown:
    """The token that was shown is no good for this."""


class UnpreparedError(Exception):
    """The settings name a client type or an owner that does not exist."""


Outcome: TypeAlias = Registered | Unknown


async def register(
    deps: Deps, registration: Registration, *, initial: str | None
) -> Outcome:
    """The client. `initial` is the operator's token; none: anybody may register."""
    outcome = await _owned(lambda: _register(deps, registration, initial))
    deps.committed()
    return outcome


async def show(deps: Deps, client_id: ClientId, token: str) -> Outcome:
    """The client as it is registered; its secret stays unsaid."""
    async with deps.db.begin() as conn:
        at = await registrations.hold(conn, client_id, values.digest_of(token))
        if at is None:
            return Unknown()
        found = await _found(conn, client_id)
        _, scope = await _type(deps, conn)
    return Registered(
        client_id=client_id, registration=found, scope=scope, at=at, token=token
    )


async def update(
    deps: Deps, client_id: ClientId, token: str, registration: Registration
) -> Outcome:
    """The client as it describes itself now, with a new token; of two at once, one passes."""
    outcome = await _owned(lambda: _update(deps, client_id, token, registration))
    deps.committed()
    return outcome


async def remove(deps: Deps, client_id: ClientId, token: str) -> Unknown | None:
    """None: the client is gone, with all that it was allowed, and its tokens."""

    async def work() -> Unknown | None:
        async with deps.db.begin() as conn:
            at = await registrations.hold(conn, client_id, values.digest_of(token))
            if at is None:
                return Unknown()
            await delete_within(deps, conn, client_id)
            return None

    outcome = await retrying(work)
    deps.committed()
    return outcome


async def _owned(work: Callable[[], Awaitable[Outcome]]) -> Outcome:
    try:
        return await retrying(work)
    except IntegrityError as error:
        violations.expect(error, violations.OWNER_OF_CLIENTS)
        raise UnpreparedError("there is no user MITHRIL_REGISTRATION_OWNER") from None


async def _register(deps: Deps, registration: Registration, initial: str | None) -> Outcome:
    async with deps.db.begin() as conn:
        initial_id = None
        if initial is not None:
            digest = values.digest_of(initial)
            now = deps.clock.now()
            initial_id = await registrations.use_token(conn, digest, now=now)
            if initial_id is None:
                return Unknown()
        client_id = ClientId(deps.entropy.uuid())
        client, scope = await _put(deps, conn, client_id, registration)
        secret = await _open(deps, conn, client, registration)
        token = secret_of(deps.entropy.bits(SECRET_BITS))
        digest, now = values.digest_of(token), client.inserted_at
        await registrations.add(conn, client_id, digest, at=now)
        told = ClientRegistered(
            client_id=client_id, name=client.name, registration_token_id=initial_id
        )
        await outbox.put(conn, message(deps, told, at=now))
        return Registered(
            client_id=client_id,
            registration=registration,
            scope=scope,
            at=now,
            token=token,
            secret=secret,
        )


async def _update(
    deps: Deps, client_id: ClientId, token: str, registration: Registration
) -> Outcome:
    async with deps.db.begin() as conn:
        at = await registrations.hold(conn, client_id, values.digest_of(token))
        if at is None:
            return Unknown()
        before = await _found(conn, client_id)
        _, scope = await _put(deps, conn, client_id, registration)
        secret = await _redirect(deps, conn, client_id, before, registration)
        renewed = secret_of(deps.entropy.bits(SECRET_BITS))
        digest = values.digest_of(renewed)
        await registrations.renew(conn, client_id, digest, at=deps.clock.now())
        return Registered(
            client_id=client_id,
            registration=registration,
            scope=scope,
            at=at,
            token=renewed,
            secret=secret,
        )


async def _put(
    deps: Deps, conn: AsyncConnection, client_id: ClientId, registration: Registration
) -> tuple[Client, tuple[str, ...]]:
    type_id, scope = await _type(deps, conn)
    owner = deps.settings.registration_owner
    change = ClientChange(
        name=registration.name,
        settings=registration.settings,
        priv_settings={"access_type": AccessType.DIRECT.value},
        user_id=None if owner is None else UserId(owner),
        client_type_id=type_id,
    )
    client = await put_within(deps, conn, client_id, change)
    if isinstance(client, Unfit):
        raise UnpreparedError("MITHRIL_REGISTRATION_OWNER is not set")
    return client, scope


async def _type(deps: Deps, conn: AsyncConnection) -> tuple[Any, tuple[str, ...]]:
    name = deps.settings.registration_client_type or ""
    found = await registrations.client_type(conn, name)
    if found is None:
        raise UnpreparedError("there is no client type MITHRIL_REGISTRATION_CLIENT_TYPE")
    return found


async def _open(
    deps: Deps, conn: AsyncConnection, client: Client, registration: Registration
) -> Fresh | None:
    now = client.inserted_at
    connection = Connection(
        id=ConnectionId(deps.entropy.uuid()),
        redirect_uri=registration.redirect_uri,
        client_id=client.id,
        consumer_id=client.id,
        inserted_at=now,
        updated_at=now,
    )
    await connections.add(conn, connection)
    await outbox.put(conn, message(deps, told_of_change(connection, "created"), at=now))
    if not registration.has_secret:
        return None
    return await rotate(deps, conn, connection, now=now, expires_at=None)


async def _redirect(
    deps: Deps,
    conn: AsyncConnection,
    client_id: ClientId,
    before: Registration,
    registration: Registration,
) -> Fresh | None:
    """Follow a change of the redirect URI; a secret for who had none and needs one now."""
    held = await connections.hold_of_consumer(conn, client_id, client_id)
    if held is None:
        raise UnpreparedError("an operator has taken the client's connection away")
    now = deps.clock.now()
    after = changed(held, ConnectionChange(redirect_uri=registration.redirect_uri), now=now)
    events: list[Event] = []
    if after != held:
        await connections.save(conn, after)
        events.append(told_of_change(after, "updated"))
    await outbox.put_many(conn, [message(deps, event, at=now) for event in events])
    if not registration.has_secret or before.has_secret:
        return None
    return await rotate(deps, conn, after, now=now, expires_at=None)


async def _found(conn: AsyncConnection, client_id: ClientId) -> Registration:
    client = await clients.hold(conn, client_id)
    own = await connections.hold_of_consumer(conn, client_id, client_id)
    if client is None or own is None:
        raise UnpreparedError("an operator has taken the client's connection away")
    return Registration(
        name=client.name, redirect_uri=own.redirect_uri, settings=client.settings
    )
