"""End every token of a client, and what services got for them: one transaction."""

from services.mithril_api.actions.minting import message
from services.mithril_api.deps import Deps
from services.mithril_api.domain.clients import Client
from services.mithril_api.domain.refusals import Reason, Refused
from services.mithril_api.store import clients, tokens
from shared.events.tokens import TokensRevoked
from shared.models.ids import ClientId
from shared.runtime import outbox
from shared.runtime.postgres import retrying


async def deactivate_client_tokens(
    deps: Deps, client_id: ClientId
) -> tuple[Client, str] | Refused:
    """The client and the name of its type. Consents stay: a new sign-in gives new tokens."""
    outcome = await retrying(lambda: _deactivate(deps, client_id))
    deps.committed()
    return outcome


async def _deactivate(deps: Deps, client_id: ClientId) -> tuple[Client, str] | Refused:
    async with deps.db.begin() as conn:
        found = await clients.with_type(conn, client_id)
        if found is None:
            return Refused(Reason.NOT_FOUND)
        now = deps.clock.now()
        count = await tokens.revoke_of_client(conn, client_id, at=now)
        if count:
            event = TokensRevoked(
                selector="client",
                reason="client_tokens_deactivated",
                user_id=None,
                client_id=client_id,
                count=count,
            )
            await outbox.put(conn, message(deps, event, at=now))
    return found
