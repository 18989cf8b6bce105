"""One question: what is known of a client for which an operator wants a token made?"""

from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.domain.operator_tokens import IssueFacts
from services.mithril_api.store import users
from shared.models.ids import ClientId, UserId
from shared.models.schema.mithril import client_types as ct
from shared.models.schema.mithril import clients as c


async def facts_for(
    conn: AsyncConnection, *, user_id: UserId, client_id: ClientId
) -> IssueFacts:
    """The user, whose row is held against a block under way, and the client."""
    user = await users.hold(conn, user_id)
    if user is None:
        return IssueFacts(user_exists=False)
    facts = IssueFacts(user_exists=True, user_is_blocked=user.is_blocked)
    may_sign_in = c.c.settings.contains({"allowed_grant_types": ["password"]})
    query = (
        select(c.c.is_blocked, may_sign_in.label("may_sign_in"), ct.c.scope)
        .join(ct, ct.c.id == c.c.client_type_id)
        .where(c.c.id == client_id)
    )
    row = (await conn.execute(query)).one_or_none()
    if row is None:
        return facts
    return replace(
        facts,
        client_exists=True,
        client_is_blocked=row.is_blocked,
        client_may_sign_in=row.may_sign_in,
        client_type_scope=frozenset(row.scope),
    )
