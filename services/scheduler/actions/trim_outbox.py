"""Drop the days of the outbox whose events have all been published (decision D7)."""

from datetime import datetime
from functools import partial

from services.scheduler.actions.ddl import patiently
from services.scheduler.deps import Deps
from services.scheduler.domain import calendar
from services.scheduler.store import expired
from services.scheduler.work import Progress
from shared.runtime import partitions
from shared.runtime.partitions import Unit
from shared.runtime.upkeep import retire_if_published


async def trim_outbox(deps: Deps, progress: Progress) -> None:
    """Drop days past the retention; one with an unpublished event is kept and reported.

    Kept as well: everything, while a replay is asked for and not done.
    """
    now = deps.clock.now()
    before = calendar.outbox_trimmed_before(now, kept_for=deps.settings.outbox_kept_for())
    async with deps.db.read() as conn:
        existing = await partitions.existing(conn, calendar.OUTBOX, Unit.DAY)
    dropped: list[str] = progress.details.setdefault("dropped", [])
    kept: list[str] = progress.details.setdefault("kept", [])
    for partition in calendar.doomed(existing, before=before):
        trim = partial(retire_if_published, partition=partition)
        went = await patiently(deps, progress, trim)
        (dropped if went else kept).append(partition.name)
        progress.affected += went
    if dropped:
        deps.retired.set()
    deps.metrics.outbox_kept.set(len(kept))
    await _delete_without_partition(deps, progress, before=before)


async def _delete_without_partition(
    deps: Deps, progress: Progress, *, before: datetime
) -> None:
    limit = deps.settings.job_batch_size
    gone = limit
    while gone == limit:
        progress.checkpoint()
        async with deps.db.begin() as conn:
            gone = await expired.delete_events_without_partition(
                conn, before=before, limit=limit
            )
        if gone:
            progress.details["rows"] = progress.details.get("rows", 0) + gone
