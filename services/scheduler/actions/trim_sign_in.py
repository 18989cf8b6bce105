"""Delete what attempts to sign in leave behind."""

from datetime import timedelta

from sqlalchemy import TextClause

from services.scheduler.deps import Deps
from services.scheduler.store import expired
from services.scheduler.work import Progress

_SKEW = timedelta(minutes=1)  # by which the clocks of two processes may differ
# A mail that could not be sent is tried for a day, and its link lives from then on.
_RECOVERY = timedelta(days=2)
_DEVICE = timedelta(hours=1)  # one that still polls is told that its code has expired


async def trim_sign_in(deps: Deps, progress: Progress) -> None:
    """Nonces, links, requests, what serves once and limits that mean nothing any more."""
    await _delete(deps, progress, expired.NONCES, older=_SKEW)
    await _delete(deps, progress, expired.RECOVERIES, older=_RECOVERY)
    await _delete(deps, progress, expired.REQUESTS, older=_SKEW)
    await _delete(deps, progress, expired.DEVICES, older=_DEVICE)
    await _delete(deps, progress, expired.PRESENTED, older=_SKEW)
    await _delete(deps, progress, expired.LIMITS, older=_SKEW)


async def _delete(
    deps: Deps, progress: Progress, what: TextClause, *, older: timedelta
) -> None:
    before = deps.clock.now() - older
    limit = deps.settings.job_batch_size
    gone = limit
    while gone == limit:
        progress.checkpoint()
        async with deps.db.begin() as conn:
            gone = await expired.delete_past(conn, what, before=before, limit=limit)
        progress.affected += gone
