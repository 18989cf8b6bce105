"""How whole the log is, as of now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from services.abac_log_consumer.actions.asking import write_down
from services.abac_log_consumer.deps import Deps
from services.abac_log_consumer.domain.entries import Asker
from services.abac_log_consumer.domain.integrity import Chain, Source
from services.abac_log_consumer.store import integrity


@dataclass(frozen=True, slots=True, kw_only=True)
class Integrity:
    """The chains with their heads and checkpoints, and the numbers of every source.

    `rejected` records count as seen: they could not be understood, and are kept raw.
    """

    chains: Sequence[Chain]
    sources: Sequence[Source]
    rejected: int


async def show_integrity(deps: Deps, *, asker: Asker) -> Integrity:
    """The chains and the sources; the lag of the partitions that this replica reads."""
    async with deps.db.begin() as conn:
        chains = await integrity.chains_with_checkpoints(conn)
        sources = await integrity.sources(conn)
        rejected = await integrity.rejected(conn)
        await write_down(
            deps,
            conn,
            asker,
            operation="integrity",
            filters={},
            rows=len(chains) + len(sources),
        )
    lags = _lags(deps)
    lagging = [replace(c, lag=lags.get((c.topic, str(c.partition)))) for c in chains]
    return Integrity(chains=lagging, sources=sources, rejected=rejected)


def _lags(deps: Deps) -> Mapping[tuple[str, str], int]:
    return {
        (sample.labels["topic"], sample.labels["partition"]): int(sample.value)
        for metric in deps.metrics.lag.collect()
        for sample in metric.samples
    }
