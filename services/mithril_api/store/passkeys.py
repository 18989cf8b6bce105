"""SQL over the credentials of passkeys. Lists of them are in `store/factors.py`."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.domain.factors import FactorId
from services.mithril_api.domain.passkeys import Credential
from shared.models.ids import UserId
from shared.models.schema.mithril import passkeys as p


async def usable_of(
    conn: AsyncConnection, user_id: UserId
) -> Sequence[tuple[FactorId, Credential]]:
    """The credentials by which a user may sign in, oldest first."""
    query = (
        select(p.c.id, p.c.credential_id, p.c.public_key, p.c.sign_count, p.c.transports)
        .where(p.c.user_id == user_id, p.c.is_active, p.c.credential_id.is_not(None))
        .order_by(p.c.inserted_at, p.c.id)
    )
    return [
        (
            FactorId(row.id),
            Credential(
                id=row.credential_id,
                public_key=row.public_key,
                sign_count=row.sign_count,
                transports=tuple(row.transports),
            ),
        )
        for row in await conn.execute(query)
    ]


async def add(
    conn: AsyncConnection,
    *,
    new_id: FactorId,
    user_id: UserId,
    name: str | None,
    credential: Credential,
    now: datetime,
) -> None:
    """Register a credential; it takes the place of those that were reset.

    Raises IntegrityError where it is registered already, for whomever.
    """
    unset = p.c.user_id == user_id, p.c.is_active, p.c.credential_id.is_(None)
    await conn.execute(delete(p).where(*unset))
    await conn.execute(
        insert(p).values(
            id=new_id,
            user_id=user_id,
            name=name,
            credential_id=credential.id,
            public_key=credential.public_key,
            sign_count=credential.sign_count,
            transports=list(credential.transports),
            inserted_at=now,
            updated_at=now,
        )
    )


async def count_use(conn: AsyncConnection, factor_id: FactorId, *, sign_count: int) -> None:
    """Remember how far the counter of a credential went."""
    statement = update(p).where(p.c.id == factor_id).values(sign_count=sign_count)
    await conn.execute(statement)
