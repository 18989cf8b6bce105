"""Delete an account and all that hangs on it: one transaction."""

from services.mithril_api.actions.minting import message
from services.mithril_api.deps import Deps
from services.mithril_api.domain.refusals import Reason, Refused
from services.mithril_api.store import tokens, users
from shared.events.accounts import ClientDeleted, UserDeleted
from shared.events.envelope import Event
from shared.events.tokens import TokensRevoked
from shared.models.ids import ClientId, UserId
from shared.runtime import outbox
from shared.runtime.postgres import retrying


async def delete_user(deps: Deps, user_id: UserId) -> Refused | None:
    """None: it is gone, with its tokens, consents, roles, factors and the clients it owned.

    No key leads from tokens to users, so tokens are deleted here; those that other users
    have for its clients are revoked.
    """
    outcome = await retrying(lambda: _delete(deps, user_id))
    deps.committed()
    return outcome


async def _delete(deps: Deps, user_id: UserId) -> Refused | None:
    async with deps.db.begin() as conn:
        if await users.hold_to_remove(conn, user_id) is None:
            return Refused(Reason.NOT_FOUND)
        now = deps.clock.now()  # after the lock
        ended = await tokens.remove(conn, tokens.of_user(user_id), at=now)
        told: list[Event] = []
        if ended:
            told.append(_revoked("user_deleted", len(ended), user_id=user_id))
        for client_id in await users.clients_of(conn, user_id):
            count = await tokens.remove_of_client(conn, client_id, at=now)
            if count:
                told.append(_revoked("client_deleted", count, client_id=client_id))
            told.append(ClientDeleted(client_id=client_id))
        await users.remove(conn, user_id)
        told.append(UserDeleted(user_id=user_id))
        await outbox.put_many(conn, [message(deps, event, at=now) for event in told])
    return None


def _revoked(
    reason: str,
    count: int,
    *,
    user_id: UserId | None = None,
    client_id: ClientId | None = None,
) -> TokensRevoked:
    return TokensRevoked(
        selector="client" if user_id is None else "user",
        reason=reason,
        user_id=user_id,
        client_id=client_id,
        count=count,
    )
