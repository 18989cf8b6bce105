"""Delete one token by id: one transaction."""

from services.mithril_api.actions.minting import message
from services.mithril_api.deps import Deps
from services.mithril_api.domain.refusals import Reason, Refused
from services.mithril_api.store import given_tokens, tokens
from shared.events.tokens import TokensRevoked
from shared.models.ids import TokenId
from shared.runtime import outbox
from shared.runtime.postgres import retrying


async def delete_token(deps: Deps, token_id: TokenId) -> Refused | None:
    """None: it is gone; an event tells of it if it was live."""
    refused = await retrying(lambda: _delete(deps, token_id))
    deps.committed()
    return refused


async def _delete(deps: Deps, token_id: TokenId) -> Refused | None:
    async with deps.db.begin() as conn:
        token = await given_tokens.hold(conn, token_id)
        if token is None:
            return Refused(Reason.NOT_FOUND)
        now = deps.clock.now()  # after the lock
        if ended := await tokens.remove(conn, tokens.with_exchanged(token), at=now):
            event = TokensRevoked(
                selector="token",
                reason="deleted",
                user_id=token.user_id,
                client_id=token.client_id,
                token_id=token.id,
                count=len(ended),
            )
            await outbox.put(conn, message(deps, event, at=now))
    return None
