"""Open a connection of a consumer for a client, or change the one there is: one transaction."""

from datetime import datetime
from typing import TypeAlias

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.actions.minting import message
from services.mithril_api.actions.rotating import reissue, rotate
from services.mithril_api.deps import Deps
from services.mithril_api.domain.connections import (
    Connection,
    ConnectionChange,
    Opened,
    changed,
    told_of_change,
    told_of_rotation,
)
from services.mithril_api.domain.refusals import Clash, Reason, Refused, Unfit
from services.mithril_api.store import clients, connections, violations
from shared.events.envelope import Event
from shared.models.ids import ClientId, ConnectionId
from shared.runtime import outbox
from shared.runtime.postgres import retrying
from shared.wire.envelope import Invalid

Outcome: TypeAlias = Opened | Clash | Refused | Unfit

_MISSING = Invalid(entry="$.redirect_uri", rule="required", description="can't be blank")


async def put_connection(
    deps: Deps,
    *,
    client_id: ClientId,
    consumer_id: ClientId,
    redirect_uri: str | None,
    expires_at: datetime | None = None,
) -> Outcome:
    """The connection, always with a fresh secret.

    The contract answers an update with the secret too, and the stored one cannot be shown:
    so an update gives another, and the one from the first time works until the overlap ends,
    however often the request is repeated.
    """

    async def work() -> Outcome:
        async with deps.db.begin() as conn:
            return await _put(
                deps, conn, client_id, consumer_id, redirect_uri, expires_at=expires_at
            )

    try:
        outcome = await retrying(work)
    except IntegrityError as error:
        clash = violations.clash_of(error)
        unknown_client = clash.field == "client_id"
        return Refused(Reason.NOT_FOUND) if unknown_client else clash
    deps.committed()
    return outcome


async def _put(
    deps: Deps,
    conn: AsyncConnection,
    client_id: ClientId,
    consumer_id: ClientId,
    redirect_uri: str | None,
    *,
    expires_at: datetime | None,
) -> Outcome:
    while True:
        before = await connections.hold_of_consumer(conn, client_id, consumer_id)
        if before is not None:
            return await _update(deps, conn, before, redirect_uri, expires_at=expires_at)
        if redirect_uri is None:
            known = await clients.with_type(conn, client_id) is not None
            return Unfit((_MISSING,)) if known else Refused(Reason.NOT_FOUND)
        now = deps.clock.now()
        fresh = Connection(
            id=ConnectionId(deps.entropy.uuid()),
            redirect_uri=redirect_uri,
            client_id=client_id,
            consumer_id=consumer_id,
            inserted_at=now,
            updated_at=now,
        )
        if await connections.add(conn, fresh):
            made = await rotate(deps, conn, fresh, now=now, expires_at=expires_at)
            event = told_of_change(fresh, "created")
            await outbox.put(conn, message(deps, event, at=now))
            return Opened(
                connection=fresh,
                secret=made.secret,
                expires_at=made.expires_at,
                is_new=True,
            )


async def _update(
    deps: Deps,
    conn: AsyncConnection,
    before: Connection,
    redirect_uri: str | None,
    expires_at: datetime | None,
) -> Opened:
    now = deps.clock.now()  # after the lock
    after = changed(before, ConnectionChange(redirect_uri=redirect_uri), now=now)
    events: list[Event] = [told_of_rotation(after)]
    if after != before:
        await connections.save(conn, after)
        events.insert(0, told_of_change(after, "updated"))
    made = await reissue(deps, conn, after, now=now, expires_at=expires_at)
    await outbox.put_many(conn, [message(deps, event, at=now) for event in events])
    return Opened(
        connection=after, secret=made.secret, expires_at=made.expires_at, is_new=False
    )
