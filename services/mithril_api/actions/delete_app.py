"""Withdraw a consent and end what it allowed: one transaction."""

from services.mithril_api.actions.minting import message
from services.mithril_api.deps import Deps
from services.mithril_api.domain.refusals import Reason, Refused
from services.mithril_api.store import apps, tokens
from shared.events.accounts import AppRevoked
from shared.events.envelope import Event
from shared.events.tokens import TokensRevoked
from shared.models.ids import AppId, UserId
from shared.runtime import outbox
from shared.runtime.postgres import retrying


async def delete_app(deps: Deps, user_id: UserId, app_id: AppId) -> Refused | None:
    """None: it is gone, and every token of this user for that client is revoked (§2.2).

    The consent goes first: a consent given at once waits for it, so what that one buys is
    not revoked with this one.
    """
    outcome = await retrying(lambda: _delete(deps, user_id, app_id))
    deps.committed()
    return outcome


async def _delete(deps: Deps, user_id: UserId, app_id: AppId) -> Refused | None:
    async with deps.db.begin() as conn:
        app = await apps.remove(conn, app_id, user_id=user_id)
        if app is None:
            return Refused(Reason.NOT_FOUND)
        now = deps.clock.now()  # after the lock
        mine = tokens.of_user(user_id, client_id=app.client_id)
        count = await tokens.revoke(conn, mine, at=now)
        told: list[Event] = [
            AppRevoked(user_id=user_id, app_id=app.id, client_id=app.client_id)
        ]
        if count:
            told.append(
                TokensRevoked(
                    selector="app",
                    reason="app_deleted",
                    user_id=user_id,
                    client_id=app.client_id,
                    app_id=app.id,
                    count=count,
                )
            )
        await outbox.put_many(conn, [message(deps, event, at=now) for event in told])
    return None
