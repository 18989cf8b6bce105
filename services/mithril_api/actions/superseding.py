"""End what a new sign-in replaces (spec §2.2): used by every action that signs a user in."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.actions.minting import message
from services.mithril_api.deps import Deps
from services.mithril_api.domain.records import Token
from services.mithril_api.domain.sign_in import superseded_by
from services.mithril_api.store import tokens
from shared.events.envelope import Message
from shared.events.tokens import TokensRevoked


async def supersede(
    deps: Deps, conn: AsyncConnection, token: Token, *, now: datetime
) -> list[Message]:
    """Revoke what a token not yet stored takes the place of; the events to publish with it.

    The caller holds the user's row, so of two sign-ins at once the later one's token stays.
    """
    mine = tokens.of_user(token.user_id, client_id=token.client_id)
    chosen = mine & tokens.named(*superseded_by(token.name))
    count = await tokens.revoke(conn, chosen, at=now)
    if not count:
        return []
    revoked = TokensRevoked(
        selector="user",  # narrowed to the client
        reason="superseded",
        user_id=token.user_id,
        client_id=token.client_id,
        count=count,
    )
    return [message(deps, revoked, at=now)]
