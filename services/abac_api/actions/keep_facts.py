"""Keep what was told: one transaction for all of it."""

from collections.abc import Sequence

from services.abac_api.domain.told import Told
from services.abac_api.store import facts
from shared.runtime.postgres import Database, retrying


async def keep_facts(db: Database, told: Sequence[Told]) -> list[bool]:
    """Whether each, in the order given, was later than what is held, and is held now."""

    async def once() -> list[bool]:
        async with db.begin() as conn:
            return await facts.upsert_many(conn, told)

    return await retrying(once)
