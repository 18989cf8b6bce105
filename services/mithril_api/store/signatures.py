"""What is known of an attempt to sign in with a digital signature."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.domain.signatures import GRANT, Account, SignatureFacts
from shared.models.ids import ClientId, UserId
from shared.models.schema.mithril import client_types as ct
from shared.models.schema.mithril import clients as c
from shared.models.schema.mithril import users as u


async def facts_for(
    conn: AsyncConnection, *, client_id: ClientId, tax_id: str
) -> SignatureFacts:
    """The client, and every account with the tax id, their rows held: a block waits, or is seen."""
    may_sign_in = c.c.settings.contains({"allowed_grant_types": [GRANT]})
    client = (
        select(may_sign_in.label("may_sign_in"), ct.c.scope)
        .join(ct, ct.c.id == c.c.client_type_id)
        .where(c.c.id == client_id)
    )
    row = (await conn.execute(client)).one_or_none()
    if row is None:
        return SignatureFacts(client_exists=False)
    return SignatureFacts(
        client_exists=True,
        client_may_sign_in=row.may_sign_in,
        client_type_scope=frozenset(row.scope),
        accounts=await _accounts(conn, tax_id),
    )


async def _accounts(conn: AsyncConnection, tax_id: str) -> tuple[Account, ...]:
    query = (
        select(u.c.id, u.c.person_id, u.c.is_blocked)
        .where(u.c.tax_id == tax_id)
        .order_by(u.c.inserted_at, u.c.id)
        .limit(10)
        .with_for_update(key_share=True)
    )
    return tuple(
        Account(id=UserId(row.id), person_id=row.person_id, is_blocked=row.is_blocked)
        for row in await conn.execute(query)
    )
