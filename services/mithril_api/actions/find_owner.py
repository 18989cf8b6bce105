"""Say whose an access token is, and what its owner may do."""

from dataclasses import dataclass

from services.mithril_api.deps import Deps
from services.mithril_api.domain.records import Token
from services.mithril_api.domain.refusals import Reason, Refused
from services.mithril_api.domain.scope_limits import ScopeLimit
from services.mithril_api.store import scope_limits, tokens, users
from services.mithril_api.store.users import User
from shared.models.tokens import TokenName


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A user, by a token; `roles` are those in the token's client."""

    user: User
    token: Token
    roles: list[ScopeLimit]
    global_roles: list[ScopeLimit]


async def find_owner(deps: Deps, value: str) -> Owner | Refused:
    """The owner of a live access token. Whether anything is blocked is for verify to say."""
    async with deps.db.read() as conn:
        token = await tokens.find(conn, value, TokenName.ACCESS)
        if token is None:
            return Refused(Reason.NOT_FOUND)
        if not token.is_live(deps.clock.now()):
            return Refused(Reason.TOKEN_EXPIRED_AT_VERIFY)
        user = await users.by_id(conn, token.user_id)
        if user is None:
            return Refused(Reason.NOT_FOUND)
        return Owner(
            user=user,
            token=token,
            roles=await scope_limits.roles_of(conn, user.id, token.client_id),
            global_roles=await scope_limits.global_roles_of(conn, user.id),
        )
