"""Withdraw the consents of a user and end their tokens: one transaction."""

from services.mithril_api.actions.minting import message
from services.mithril_api.deps import Deps
from services.mithril_api.store import apps, tokens
from shared.events.accounts import AppRevoked
from shared.events.envelope import Event
from shared.events.tokens import TokensRevoked
from shared.models.ids import ClientId, UserId
from shared.runtime import outbox
from shared.runtime.postgres import retrying


async def delete_apps(deps: Deps, user_id: UserId, *, client_id: ClientId | None) -> None:
    """They are gone, all or the one for a client, and so are the tokens of as many (§2.2)."""
    await retrying(lambda: _delete(deps, user_id, client_id))
    deps.committed()


async def _delete(deps: Deps, user_id: UserId, client_id: ClientId | None) -> None:
    async with deps.db.begin() as conn:
        gone = await apps.remove_of_user(conn, user_id, client_id=client_id)
        now = deps.clock.now()  # after the locks
        mine = tokens.of_user(user_id, client_id=client_id)
        count = await tokens.revoke(conn, mine, at=now)
        told: list[Event] = [
            AppRevoked(user_id=user_id, app_id=app.id, client_id=app.client_id)
            for app in gone
        ]
        if count:
            told.append(
                TokensRevoked(
                    selector="user",  # narrowed to the client, where one is given
                    reason="app_deleted",
                    user_id=user_id,
                    client_id=client_id,
                    count=count,
                )
            )
        await outbox.put_many(conn, [message(deps, event, at=now) for event in told])
