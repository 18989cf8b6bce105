"""Delete a client: one transaction."""

from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.actions.minting import message
from services.mithril_api.deps import Deps
from services.mithril_api.domain.refusals import Reason, Refused
from services.mithril_api.store import clients, tokens
from shared.events.accounts import ClientDeleted
from shared.events.envelope import Event
from shared.events.tokens import TokensRevoked
from shared.models.ids import ClientId
from shared.runtime import outbox
from shared.runtime.postgres import retrying


async def delete_client(deps: Deps, client_id: ClientId) -> Refused | None:
    """None: it is gone, with its connections, consents and roles.

    Its tokens go too, after they are revoked, so that whoever waits for one sees the end of
    it: a client made again with the same id must not find the old ones working.
    """
    refused = await retrying(lambda: _delete(deps, client_id))
    deps.committed()
    return refused


async def _delete(deps: Deps, client_id: ClientId) -> Refused | None:
    async with deps.db.begin() as conn:
        return await delete_within(deps, conn, client_id)


async def delete_within(
    deps: Deps, conn: AsyncConnection, client_id: ClientId
) -> Refused | None:
    """The same in a transaction that is under way."""
    if not await clients.remove(conn, client_id):
        return Refused(Reason.NOT_FOUND)
    now = deps.clock.now()
    count = await tokens.remove_of_client(conn, client_id, at=now)
    events: list[Event] = [ClientDeleted(client_id=client_id)]
    if count:
        events.append(
            TokensRevoked(
                selector="client",
                reason="client_deleted",
                user_id=None,
                client_id=client_id,
                count=count,
            )
        )
    await outbox.put_many(conn, [message(deps, event, at=now) for event in events])
    return None
