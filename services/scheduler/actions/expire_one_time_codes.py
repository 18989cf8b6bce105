"""End one-time codes past their time (spec §5)."""

from services.scheduler.deps import Deps
from services.scheduler.store import expired
from services.scheduler.work import Progress


async def expire_one_time_codes(deps: Deps, progress: Progress) -> None:
    """Codes become EXPIRED and inactive, a batch a transaction.

    A code that someone is entering now is left to them, or to the next run.
    """
    limit = deps.settings.job_batch_size
    done = limit
    while done == limit:
        progress.checkpoint()
        async with deps.db.begin() as conn:
            done = await expired.expire_codes(conn, now=deps.clock.now(), limit=limit)
        progress.affected += done
