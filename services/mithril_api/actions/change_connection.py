"""Change a connection: one transaction."""

from sqlalchemy.exc import IntegrityError

from services.mithril_api.actions.minting import message
from services.mithril_api.deps import Deps
from services.mithril_api.domain.connections import (
    Connection,
    ConnectionChange,
    changed,
    told_of_change,
)
from services.mithril_api.domain.refusals import Clash, Reason, Refused
from services.mithril_api.store import connections, violations
from shared.models.ids import ClientId, ConnectionId
from shared.runtime import outbox


async def change_connection(
    deps: Deps, client_id: ClientId, connection_id: ConnectionId, change: ConnectionChange
) -> Connection | Clash | Refused:
    """The connection afterwards. Its secrets stay."""
    try:
        outcome = await _change(deps, client_id, connection_id, change)
    except IntegrityError as error:
        return violations.clash_of(error)
    deps.committed()
    return outcome


async def _change(
    deps: Deps, client_id: ClientId, connection_id: ConnectionId, change: ConnectionChange
) -> Connection | Refused:
    async with deps.db.begin() as conn:
        before = await connections.hold(conn, client_id, connection_id)
        if before is None:
            return Refused(Reason.NOT_FOUND)
        now = deps.clock.now()  # after the lock
        after = changed(before, change, now=now)
        if after != before:
            await connections.save(conn, after)
            event = told_of_change(after, "updated")
            await outbox.put(conn, message(deps, event, at=now))
        return after
