"""Delete a connection: one transaction."""

from services.mithril_api.actions.minting import message
from services.mithril_api.deps import Deps
from services.mithril_api.domain.connections import told_of_change
from services.mithril_api.domain.refusals import Reason, Refused
from services.mithril_api.store import connections
from shared.models.ids import ClientId, ConnectionId
from shared.runtime import outbox


async def delete_connection(
    deps: Deps, client_id: ClientId, connection_id: ConnectionId
) -> Refused | None:
    """None: it is gone, and its secrets work no more."""
    async with deps.db.begin() as conn:
        connection = await connections.remove(conn, client_id, connection_id)
        if connection is None:
            return Refused(Reason.NOT_FOUND)
        now = deps.clock.now()
        event = told_of_change(connection, "deleted")
        await outbox.put(conn, message(deps, event, at=now))
    deps.committed()
    return None
