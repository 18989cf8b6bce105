"""The audit log: recording against a bare COPY, looking a patient up, verifying the chains."""

import time
from collections.abc import Sequence
from pathlib import Path

import asyncpg

import services.abac_log_consumer
from services.abac_log_consumer.actions.record import record
from services.abac_log_consumer.actions.sign_checkpoints import sign_checkpoints
from services.abac_log_consumer.actions.verify_log import verify_log
from services.abac_log_consumer.consume import read_ahead
from services.abac_log_consumer.deps import Deps
from services.abac_log_consumer.domain.records import Delivered
from services.abac_log_consumer.domain.signing import trusted
from services.abac_log_consumer.reading import POLLED
from services.abac_log_consumer.store import recording
from services.abac_log_consumer.store.verifying import CONNECTIONS, snapshot
from shared.runtime import logging
from tests.bench import audit_export, history, targets
from tests.bench.audit_records import delivered, fill_history
from tests.bench.place import Measured, Place

_RECORDS = 200_000
# Of recording and COPY in turn, and of verifying: the machine is shared, so the best counts.
_ROUNDS = 5
_CHAIN = ("chain_sequence", "previous_hash", "hash")
_BARE = """
DROP TABLE IF EXISTS bench_bare;
CREATE TABLE bench_bare (LIKE decisions INCLUDING DEFAULTS {indexes});
ALTER TABLE bench_bare DROP chain_sequence, DROP previous_hash, DROP hash
"""


async def measure(place: Place) -> list[Measured]:
    """The lines about ingest, a patient's history and verification."""
    logging.configure(service="bench", level="error", human=False)
    url = await place.database("audit", services.abac_log_consumer)
    deps = history.unstarted(place, url)
    try:
        ingest = await _ingest(deps, url, place.directory)
        verification = await _verification(deps, url)
    finally:
        await deps.db.dispose()
    url = await place.database("history", services.abac_log_consumer)
    await fill_history(url, place.records)
    return [
        ingest,
        *await history.measure(place, url),
        verification,
        *await audit_export.measure(place, url),
    ]


async def _ingest(deps: Deps, url: str, directory: Path) -> Measured:
    """Recording as the consumer does it, from the bytes that Kafka gives to the commit.

    Held against COPY into a table with the same columns and indexes, the chain's left out.
    """
    records = delivered(_RECORDS)
    each = _RECORDS // _ROUNDS
    ours: list[float] = []
    bare: list[float] = []
    bare_unindexed: list[float] = []
    for start in range(0, _RECORDS, each):
        ours.append(await _recorded(deps, records[start : start + each]))
        file = directory / "decisions.copy"
        await _copied_out(url, file, first=start + 1, last=start + each)
        bare.append(await _copied_in(url, file, indexes="INCLUDING INDEXES"))
        bare_unindexed.append(await _copied_in(url, file, indexes=""))
    note = (
        f"{each / min(ours):.0f}/s against {each / min(bare):.0f}/s with the same indexes "
        f"({each / min(bare_unindexed):.0f}/s without any)"
    )
    return Measured(target=targets.INGEST, figure=min(bare) / min(ours), note=note)


async def _recorded(deps: Deps, records: Sequence[Delivered]) -> float:
    """Seconds to record all of these."""
    most, recorded = deps.settings.batch_most, 0
    polled = most * POLLED
    started = time.perf_counter()
    for start in range(0, len(records), polled):
        batch = records[start : start + polled]
        async for part, reads in read_ahead(batch, most=most):
            ends = {recording.Place(item.topic, item.partition): item for item in part}
            outcome = await record(deps, reads, ends)
            recorded += sum(outcome.recorded.values())
            if recorded % deps.settings.checkpoint_records == 0:
                await sign_checkpoints(deps)
    seconds = time.perf_counter() - started
    if recorded != len(records):
        raise RuntimeError(f"{recorded} of {len(records)} were recorded")
    return seconds


async def _copied_out(url: str, file: Path, *, first: int, last: int) -> None:
    conn = await asyncpg.connect(url, command_timeout=300)
    await conn.copy_from_query(
        f"SELECT {_columns()} FROM decisions WHERE source_sequence BETWEEN $1 AND $2",  # noqa: S608 — of columns
        first,
        last,
        output=file,
    )
    await conn.close()


async def _copied_in(url: str, file: Path, *, indexes: str) -> float:
    """Seconds of one COPY of the rows into a table of its own."""
    conn = await asyncpg.connect(url, command_timeout=300)
    await conn.execute(_BARE.format(indexes=indexes))
    started = time.perf_counter()
    columns = [name for name in recording.DECISION_COLUMNS if name not in _CHAIN]
    await conn.copy_to_table("bench_bare", source=file, columns=columns)
    seconds = time.perf_counter() - started
    await conn.close()
    return seconds


def _columns() -> str:
    names = (name for name in recording.DECISION_COLUMNS if name not in _CHAIN)
    return ", ".join(f'"{name}"' for name in names)


async def _verification(deps: Deps, url: str) -> Measured:
    """All that was recorded, verified as `mithril abac-log-consumer verify` does."""
    keys = trusted([deps.settings.signer.public])
    conn = await asyncpg.connect(url)
    await conn.execute("VACUUM ANALYZE decisions")
    await conn.close()
    took = []
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        async with snapshot(
            url, role=deps.settings.database_role, connections=CONNECTIONS
        ) as seen:
            report = await verify_log(seen, keys=keys)
        took.append(time.perf_counter() - started)
        if report.findings or report.records != _RECORDS:
            raise RuntimeError(f"{report.records} records: {report.findings[:3]}")
    note = (
        f"{report.records} records of {report.chains} chains, "
        f"{report.checkpoints} checkpoints"
    )
    figure = _RECORDS / min(took)
    return Measured(target=targets.VERIFICATION, figure=figure, note=note)
