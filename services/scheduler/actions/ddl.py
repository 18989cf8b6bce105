"""Change a table that is in use: ask for its lock briefly, again and again."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.scheduler.deps import Deps
from services.scheduler.work import Progress

Result = TypeVar("Result")

# Whoever comes while we wait for the lock waits with us: for that long at the most, then
# everyone goes on and we ask again.
_LOCK_TIMEOUT_MS = 100
_LONGEST_PAUSE = 2.0
_STATEMENT_TIMEOUT_S = 120  # moving many rows out of a default partition takes its time
_RETRIED = frozenset({"55P03", "40P01"})  # lock not available, deadlock


async def patiently(
    deps: Deps,
    progress: Progress,
    work: Callable[[AsyncConnection], Awaitable[Result]],
    *,
    attempts: int = 40,
) -> Result:
    """Run `work` in a transaction of its own which waits for each lock a tenth of a second.

    Tried for about a minute, with pauses in which requests have the table to themselves; an
    older transaction that stays open longer than that (a dump, say) makes the run fail, and
    the next one tries again.
    """
    for attempt in range(attempts - 1):
        progress.checkpoint()
        try:
            return await _once(deps, work)
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) not in _RETRIED:
                raise
        progress.details["waits"] = progress.details.get("waits", 0) + 1
        await progress.pause(min(0.1 * 2**attempt, _LONGEST_PAUSE))
    return await _once(deps, work)


async def _once(deps: Deps, work: Callable[[AsyncConnection], Awaitable[Result]]) -> Result:
    async with deps.db.begin() as conn:
        await conn.execute(text(f"SET LOCAL lock_timeout = {_LOCK_TIMEOUT_MS}"))
        await conn.execute(text(f"SET LOCAL statement_timeout = '{_STATEMENT_TIMEOUT_S}s'"))
        return await work(conn)
