"""SQL over the sealed secrets of authenticator apps. Nothing here opens one."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.domain.factors import FactorId
from shared.models.ids import UserId
from shared.models.schema.mithril import authentication_factors as f


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedSecret:
    """A secret as it is stored, and the latest time step that it was used for."""

    factor_id: FactorId
    user_id: UserId
    sealed: bytes = field(repr=False)
    last_step: int | None


async def secret_of(conn: AsyncConnection, factor_id: FactorId) -> SealedSecret | None:
    """The secret of a factor, its row held: a step serves once however many ask."""
    query = select(f).where(f.c.id == factor_id).with_for_update()
    row = (await conn.execute(query)).one_or_none()
    if row is None or row.secret_sealed is None:
        return None
    return SealedSecret(
        factor_id=FactorId(row.id),
        user_id=UserId(row.user_id),
        sealed=row.secret_sealed,
        last_step=row.last_step,
    )


async def spend_step(conn: AsyncConnection, factor_id: FactorId, step: int) -> None:
    """Remember that no step up to this one serves again."""
    await conn.execute(update(f).where(f.c.id == factor_id).values(last_step=step))


async def reseal(
    conn: AsyncConnection, factor_id: FactorId, sealed: bytes, *, at: datetime
) -> None:
    """Store the same secret sealed anew."""
    statement = update(f).where(f.c.id == factor_id)
    await conn.execute(statement.values(secret_sealed=sealed, secret_sealed_at=at))


async def next_ids(
    conn: AsyncConnection, *, after: FactorId | None, limit: int
) -> Sequence[FactorId]:
    """The factors that have a secret, in the order of their ids."""
    query = select(f.c.id).where(f.c.secret_sealed.is_not(None)).order_by(f.c.id)
    if after is not None:
        query = query.where(f.c.id > after)
    return [FactorId(item) for item in (await conn.execute(query.limit(limit))).scalars()]
