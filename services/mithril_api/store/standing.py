"""One question: how does the holder of a bearer token stand, second factors and all?"""

from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.domain.second_factors import Standing
from services.mithril_api.store import factor_locks, factors, tokens, users
from shared.models.tokens import TokenName


async def hold(
    conn: AsyncConnection, value: str, *, preferred: TokenName = TokenName.SECOND_FACTOR
) -> Standing:
    """The token, its user, their factors and their lock, for as long as the transaction is.

    The user's row is held first, then the token's: the order in which a block and a sign-in
    go, too. So all that one user does with factors takes turns, and no answer to a code is
    counted beside another.
    """
    owner = await tokens.owner_of_presented(conn, value, preferred=preferred)
    if owner is None:
        return Standing(token=None)
    user = await users.hold(conn, owner)
    token = await tokens.lock_presented(conn, value, preferred=preferred)
    if user is None:
        return Standing(token=token)
    tally = await factor_locks.tally_of(conn, user.id)
    active = await factors.active_of(conn, user.id)
    return Standing(
        token=token,
        user_exists=True,
        user_is_blocked=user.is_blocked,
        email=user.email,
        locked_until=tally.locked_until,
        factors=tuple(factor.as_active() for factor in active),
    )
