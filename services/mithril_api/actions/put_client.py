"""Make a client, or change the one with its id: one transaction."""

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.actions.minting import message
from services.mithril_api.deps import Deps
from services.mithril_api.domain.clients import (
    Client,
    ClientChange,
    changed,
    fields_between,
    new_client,
    told_of_change,
    told_of_creation,
)
from services.mithril_api.domain.refusals import Clash, Unfit
from services.mithril_api.store import clients, violations
from shared.models.ids import ClientId
from shared.runtime import outbox
from shared.runtime.postgres import retrying


async def put_client(
    deps: Deps, client_id: ClientId, change: ClientChange
) -> Client | Clash | Unfit:
    """The client afterwards. Of two that make the same one, the second changes the first's.

    Blocking ends no token: verify and refresh ask whether the client is blocked.
    """
    try:
        outcome = await retrying(lambda: _put(deps, client_id, change))
    except IntegrityError as error:
        return violations.clash_of(error)
    deps.committed()
    return outcome


async def _put(deps: Deps, client_id: ClientId, change: ClientChange) -> Client | Unfit:
    async with deps.db.begin() as conn:
        return await put_within(deps, conn, client_id, change)


async def put_within(
    deps: Deps, conn: AsyncConnection, client_id: ClientId, change: ClientChange
) -> Client | Unfit:
    """The same in a transaction that is under way."""
    while True:
        before = await clients.hold(conn, client_id)
        if before is not None:
            return await _change(deps, conn, before, change)
        fresh = new_client(client_id, change, now=deps.clock.now())
        if isinstance(fresh, Unfit):
            return fresh
        if await clients.add(conn, fresh):
            return await _tell_of_new(deps, conn, fresh)


async def _change(
    deps: Deps, conn: AsyncConnection, before: Client, change: ClientChange
) -> Client:
    now = deps.clock.now()  # after the lock
    after = changed(before, change, now=now)
    names = fields_between(before, after)
    if not names:
        return before
    await clients.save(conn, after)
    if "is_blocked" in names or "block_reason" in names:
        await clients.note_block(conn, after, at=now)
    client_type = await clients.type_name(conn, after.client_type_id)
    events = told_of_change(after, names, client_type)
    await outbox.put_many(conn, [message(deps, event, at=now) for event in events])
    return after


async def _tell_of_new(deps: Deps, conn: AsyncConnection, client: Client) -> Client:
    now = client.inserted_at
    await clients.note_block(conn, client, at=now)
    client_type = await clients.type_name(conn, client.client_type_id)
    events = told_of_creation(client, client_type)
    await outbox.put_many(conn, [message(deps, event, at=now) for event in events])
    return client
