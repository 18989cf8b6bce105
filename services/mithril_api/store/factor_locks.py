"""SQL over wrong codes and the locks they led to. Who writes holds the user's row."""

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.domain.factor_locks import Tally
from shared.models.ids import UserId
from shared.models.schema.mithril import factor_locks as k


async def tally_of(conn: AsyncConnection, user_id: UserId) -> Tally:
    """How a user stands."""
    query = select(k.c.errors, k.c.locks, k.c.locked_until).where(k.c.user_id == user_id)
    row = (await conn.execute(query)).one_or_none()
    return Tally() if row is None else Tally(**row._mapping)  # noqa: SLF001 — public


async def store(conn: AsyncConnection, user_id: UserId, tally: Tally) -> None:
    """Remember how a user stands."""
    values = {
        "errors": tally.errors,
        "locks": tally.locks,
        "locked_until": tally.locked_until,
    }
    statement = insert(k).values(user_id=user_id, **values)
    await conn.execute(
        statement.on_conflict_do_update(index_elements=["user_id"], set_=values)
    )


async def forget(conn: AsyncConnection, user_id: UserId) -> None:
    """Let a user start anew."""
    await conn.execute(delete(k).where(k.c.user_id == user_id))
