"""One question: what is known of a consent that a user is about to give?"""

from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.domain.consent import ConsentFacts
from services.mithril_api.store import sql
from shared.models.ids import ClientId, UserId

_FACTS = sql.load("consent_facts")


async def facts_for(
    conn: AsyncConnection, *, user_id: UserId, client_id: ClientId
) -> ConsentFacts:
    """The client, the user, the user's roles in it, and what they let it do so far."""
    row = (await conn.exec_driver_sql(_FACTS, (user_id, client_id))).one()
    return ConsentFacts(
        client_exists=row.client_id is not None,
        client_name=row.client_name or "",
        client_is_blocked=bool(row.client_is_blocked),
        user_exists=row.user_id is not None,
        user_is_blocked=bool(row.user_is_blocked),
        redirect_uris=tuple(row.redirect_uris),
        client_type_scope=frozenset(row.client_type_scope or ()),
        role_scope=tuple(" ".join(row.role_scopes).split()),
        approved=frozenset(row.approved or ()),
    )
