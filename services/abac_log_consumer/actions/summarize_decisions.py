"""Counts of the decisions of a period."""

from services.abac_log_consumer.actions.asking import write_down
from services.abac_log_consumer.deps import Deps
from services.abac_log_consumer.domain.counts import Summary
from services.abac_log_consumer.domain.entries import Asker
from services.abac_log_consumer.domain.filters import Asked
from services.abac_log_consumer.store import counting


async def summarize_decisions(deps: Deps, asked: Asked, *, asker: Asker) -> Summary:
    """The summary of what was asked for, whose period must be bounded."""
    if asked.since is None or asked.until is None:
        raise ValueError("a summary needs a period")
    async with deps.db.begin() as conn:
        counts = await counting.counts_of(conn, asked)
        await write_down(
            deps,
            conn,
            asker,
            operation="abac_logs_summary",
            filters=asked.said(),
            rows=len(counts),
        )
    return Summary(since=asked.since, until=asked.until, counts=counts)
