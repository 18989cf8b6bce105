"""Keep what was told: one transaction for all of it."""

from collections.abc import Sequence

import asyncpg
from sqlalchemy.exc import DBAPIError

from services.abac_api.domain.told import Outcome, Told
from services.abac_api.store import facts
from shared.runtime.postgres import Database, retrying


async def keep_facts(db: Database, told: Sequence[Told]) -> list[Outcome]:
    """Keep each that is later than what is held; what became of them, in the order given."""

    async def once() -> list[bool]:
        async with db.begin() as conn:
            return await facts.upsert_many(conn, told)

    kept = await retrying(once)
    return [Outcome.KEPT if is_kept else Outcome.OLDER for is_kept in kept]


async def keep_each(db: Database, told: Sequence[Told]) -> list[Outcome]:
    """The same; but one that the database refuses does not take its neighbours with it."""
    try:
        return await keep_facts(db, told)
    except (DBAPIError, asyncpg.PostgresError):
        if len(told) == 1:
            return [Outcome.REFUSED]
    return [outcome for item in told for outcome in await keep_each(db, [item])]
