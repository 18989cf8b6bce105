"""Drop the weeks of tokens that expired long ago (decision D6)."""

from datetime import datetime
from functools import partial
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.scheduler.actions.ddl import patiently
from services.scheduler.deps import Deps
from services.scheduler.domain import calendar
from services.scheduler.domain.counting import Count
from services.scheduler.store import counting, expired
from services.scheduler.work import Progress, message
from shared.events.tokens import TokensPurged
from shared.runtime import outbox, partitions
from shared.runtime.partitions import Partition, Unit

_DEFAULT = "tokens_default"


async def purge_tokens(deps: Deps, progress: Progress) -> None:
    """Retire whole partitions, then delete the few expired rows that have none.

    A partition goes by plain DETACH, and its table is dropped afterwards (remove_retired.py).
    Both DETACH and DROP lock the parent against all use until their commit; DETACH
    CONCURRENTLY would not, but PostgreSQL refuses it where there is a default partition, and
    ours is what gives every row a place. So the lock is asked for a tenth of a second at a
    time, last in the transaction, and held while a few catalogue rows change: a refresh that
    comes meanwhile waits for that long and goes on; one that is under way does not wait at
    all, we do. Dropping is apart because removing files takes time by their size: the run,
    its row and its event are over before.

    The number in the event is counted up to 10 000 rows and estimated above (see
    store/counting.py): counting a million takes ten times what retiring them does.
    """
    now = deps.clock.now()
    before = calendar.tokens_purged_before(now, kept_for=deps.settings.tokens_kept_for())
    async with deps.db.read() as conn:
        existing = await partitions.existing(conn, calendar.TOKENS, Unit.WEEK)
    for partition in calendar.doomed(existing, before=before):
        purge = partial(_purge, deps=deps, progress=progress, partition=partition)
        count = await patiently(deps, progress, purge)
        progress.affected += count.rows
        deps.retired.set()
        progress.details.setdefault("purged", {})[partition.name] = {
            "rows": count.rows,
            "exact": count.exact,
        }
    await _delete_without_partition(deps, progress, before=before)
    await _forget_expiries(deps, progress, before=before)


async def _purge(
    conn: AsyncConnection, *, deps: Deps, progress: Progress, partition: Partition
) -> Count:
    count = await counting.rows_in(conn, partition.name)
    event = TokensPurged(
        partition=partition.name,
        expired_before=partition.end,
        count=count.rows,
        job_run_id=progress.run_id,
    )
    await outbox.put(conn, message(deps, event, at=deps.clock.now()))
    await partitions.retire(conn, partition)
    return count


async def _delete_without_partition(
    deps: Deps, progress: Progress, *, before: datetime
) -> None:
    after, limit = UUID(int=0), deps.settings.job_batch_size
    while True:
        progress.checkpoint()
        async with deps.db.begin() as conn:
            gone = await expired.delete_tokens_without_partition(
                conn, before=before, after=after, limit=limit
            )
            if gone:
                event = TokensPurged(
                    partition=_DEFAULT,
                    expired_before=before,
                    count=len(gone),
                    job_run_id=progress.run_id,
                )
                await outbox.put(conn, message(deps, event, at=deps.clock.now()))
        progress.affected += len(gone)
        if len(gone) < limit:
            return
        after = gone[-1]


async def _forget_expiries(deps: Deps, progress: Progress, *, before: datetime) -> None:
    limit = deps.settings.job_batch_size
    forgotten = limit
    while forgotten == limit:
        progress.checkpoint()
        async with deps.db.begin() as conn:
            forgotten = await expired.delete_past(
                conn, expired.TOKEN_EXPIRIES, before=before, limit=limit
            )
        if forgotten:
            progress.details["expiries"] = progress.details.get("expiries", 0) + forgotten
