"""Delete what attempts to sign in leave behind."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeAlias

from services.scheduler.deps import Deps
from services.scheduler.store import expired
from services.scheduler.work import Progress

_SKEW = timedelta(minutes=1)  # by which the clocks of two processes may differ
# A mail that could not be sent is tried for a day, and its link lives from then on.
_RECOVERY = timedelta(days=2)

Delete: TypeAlias = Callable[..., Awaitable[int]]


async def trim_sign_in(deps: Deps, progress: Progress) -> None:
    """Nonces, links, requests, what serves once and limits that mean nothing any more."""
    await _delete(deps, progress, expired.delete_nonces, older=_SKEW)
    await _delete(deps, progress, expired.delete_recoveries, older=_RECOVERY)
    await _delete(deps, progress, expired.delete_requests, older=_SKEW)
    await _delete(deps, progress, expired.delete_presented, older=_SKEW)
    await _delete(deps, progress, expired.delete_limits, older=_SKEW)


async def _delete(
    deps: Deps, progress: Progress, delete: Delete, *, older: timedelta
) -> None:
    before = deps.clock.now() - older
    limit = deps.settings.job_batch_size
    gone = limit
    while gone == limit:
        progress.checkpoint()
        async with deps.db.begin() as conn:
            gone = await delete(conn, before=before, limit=limit)
        progress.affected += gone
