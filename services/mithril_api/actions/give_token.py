"""Store a token whose value an operator chose: one transaction."""

from services.mithril_api.actions.minting import message
from services.mithril_api.deps import Deps
from services.mithril_api.domain.given_tokens import TokenGiven, given
from services.mithril_api.domain.minting import issued
from services.mithril_api.domain.records import Token
from services.mithril_api.domain.refusals import Clash
from services.mithril_api.store import given_tokens, tokens, users
from shared.models.ids import TokenId
from shared.runtime.postgres import retrying

TAKEN = Clash("value", taken=True)


async def give_token(deps: Deps, asked: TokenGiven) -> Token | Clash:
    """The token, which works like one issued here. A value is given once for each kind."""
    outcome = await retrying(lambda: _give(deps, asked))
    deps.committed()
    return outcome


async def _give(deps: Deps, asked: TokenGiven) -> Token | Clash:
    async with deps.db.begin() as conn:
        if await users.hold(conn, asked.user_id) is None:
            return Clash("user_id", taken=False)
        now = deps.clock.now()
        token = given(TokenId(deps.entropy.uuid()), asked, now=now)
        # Of tokens issued here the first question knows. Of two given at once, the key of
        # token_expiries lets one in: so even a value that tells its day is noted there.
        if await given_tokens.is_taken(conn, token.digest, token.name):
            return TAKEN
        noted = await tokens.remember_expiry(
            conn, digest=token.digest, name=token.name, expires_at=token.expires_at
        )
        if not noted:
            return TAKEN
        await tokens.add(conn, [token], [message(deps, issued(token), at=now)])
        if token.used_at is not None:
            await tokens.spend(conn, token, at=token.used_at)
        return token
