"""Delete every token of some users: one transaction."""

from collections.abc import Collection

from services.mithril_api.actions.minting import message
from services.mithril_api.deps import Deps
from services.mithril_api.store import tokens
from shared.events.tokens import TokensRevoked
from shared.models.ids import UserId
from shared.runtime import outbox
from shared.runtime.postgres import retrying


async def delete_tokens_of_users(deps: Deps, user_ids: Collection[UserId]) -> None:
    """They are gone; an event a user tells of those that were live."""
    await retrying(lambda: _delete(deps, sorted(set(user_ids))))
    deps.committed()


async def _delete(deps: Deps, user_ids: list[UserId]) -> None:
    now = deps.clock.now()
    async with deps.db.begin() as conn:
        for user_id in user_ids:
            ended = await tokens.remove(conn, tokens.of_user(user_id), at=now)
            if ended:
                event = TokensRevoked(
                    selector="user", reason="deleted", user_id=user_id, count=len(ended)
                )
                await outbox.put(conn, message(deps, event, at=now))
