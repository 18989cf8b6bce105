"""Make partitions ahead of their time; repair what was missed."""

from collections.abc import Sequence
from functools import partial

from services.scheduler.actions.ddl import patiently
from services.scheduler.deps import Deps
from services.scheduler.domain import calendar
from services.scheduler.work import Progress
from shared.runtime import partitions
from shared.runtime.partitions import Partition, Unit


async def create_partitions(deps: Deps, progress: Progress) -> None:
    """Make every partition wanted now that is not there, one transaction each.

    Rows that waited for one in the default partition move into it in that transaction. Rows
    of other spans stay where they are, and are found there: a token that an administrator
    made for years, say.
    """
    now = deps.clock.now()
    life = deps.settings.longest_token_life()
    tokens = calendar.wanted_for_tokens(now, longest_life=life)
    await _make(deps, progress, tokens, unit=Unit.WEEK, column="expires_at")
    outbox = calendar.wanted_for_outbox(now)
    await _make(deps, progress, outbox, unit=Unit.DAY, column="occurred_at")


async def _make(
    deps: Deps, progress: Progress, wanted: Sequence[Partition], *, unit: Unit, column: str
) -> None:
    async with deps.db.read() as conn:
        missing = await partitions.missing(conn, wanted, unit)
    for partition in missing:
        make = partial(partitions.create, partition=partition, column=column)
        moved = await patiently(deps, progress, make)
        progress.affected += 1
        progress.details.setdefault("created", {})[partition.name] = moved
        deps.metrics.rows_repaired.labels(partition.table).inc(moved)
