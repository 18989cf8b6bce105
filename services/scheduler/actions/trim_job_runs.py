"""Delete the old history of jobs."""

from services.scheduler.deps import Deps
from services.scheduler.store import runs
from services.scheduler.work import Progress


async def trim_job_runs(deps: Deps, progress: Progress) -> None:
    """Delete runs past their retention, a batch a transaction."""
    before = deps.clock.now() - deps.settings.job_runs_kept_for()
    limit = deps.settings.job_batch_size
    gone = limit
    while gone == limit:
        progress.checkpoint()
        async with deps.db.begin() as conn:
            gone = await runs.delete_old(conn, before=before, limit=limit)
        progress.affected += gone
