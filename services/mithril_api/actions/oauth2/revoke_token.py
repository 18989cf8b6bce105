"""End a token at the wish of its client (RFC 7009): one transaction."""

from services.mithril_api.actions.minting import message
from services.mithril_api.deps import Deps
from services.mithril_api.domain.oauth2.faults import Fault, invalid_grant
from services.mithril_api.domain.records import Token
from services.mithril_api.store import tokens
from shared.events.tokens import TokensRevoked
from shared.models.ids import ClientId
from shared.models.tokens import TokenName
from shared.runtime import outbox
from shared.runtime.postgres import retrying

_ENDED = frozenset({TokenName.ACCESS, TokenName.REFRESH})


async def revoke_token(
    deps: Deps, value: str, *, client_id: ClientId, preferred: TokenName
) -> Fault | None:
    """None: the token works no longer, whatever it was. A refresh token takes its family along."""
    outcome = await retrying(lambda: _revoke(deps, value, client_id, preferred))
    deps.committed()
    return outcome


async def _revoke(
    deps: Deps, value: str, client_id: ClientId, preferred: TokenName
) -> Fault | None:
    async with deps.db.begin() as conn:
        token = await tokens.lock_presented(conn, value, preferred=preferred)
        now = deps.clock.now()  # after the lock
        if token is None or token.name not in _ENDED:
            return None
        if token.client_id != client_id:
            return invalid_grant("the token is of another client")
        family = token.name is TokenName.REFRESH
        chosen = (
            tokens.of_family(token.user_id, token.family_id)
            if family
            else tokens.with_exchanged(token)
        )
        count = await tokens.revoke(conn, chosen, at=now)
        if count:
            told = message(deps, _revoked(token, count, family=family), at=now)
            await outbox.put(conn, told)
        return None


def _revoked(token: Token, count: int, *, family: bool) -> TokensRevoked:
    return TokensRevoked(
        selector="family" if family else "token",
        reason="revoked_by_client",
        user_id=token.user_id,
        client_id=token.client_id,
        family_id=token.family_id,
        token_id=None if family else token.id,
        count=count,
    )
