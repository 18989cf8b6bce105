"""Move the live tokens: read and judged ahead, while the batch before is being written."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.mithril_api.actions.legacy.deps import ImportDeps
from services.mithril_api.actions.legacy.run import Run
from services.mithril_api.domain.legacy.findings import Finding, Kind
from services.mithril_api.store.legacy import tokens, writing
from services.mithril_api.store.legacy.writing import FIRST, LAST, Span
from shared.runtime import failpoints, partitions
from shared.runtime.partitions import Partition, Unit, partition_of

_AHEAD = timedelta(weeks=60)  # a token that ends later stays in the default partition
_LOCK_TIMEOUT = "200ms"
_ATTEMPTS = 50
_LOCK_NOT_AVAILABLE = "55P03"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    span: Span
    read: int
    moved: Sequence[tuple[Any, ...]]
    findings: list[Finding]


async def make_weeks(deps: ImportDeps, run: Run) -> None:
    """Make the partitions that the tokens need, so that each is found in one of its own."""
    now, until = int(run.now.timestamp()), int((run.now + _AHEAD).timestamp())
    seconds = await run.source.weeks(now=now, until=until)
    moments = [datetime.fromtimestamp(second, UTC) for second in seconds]
    wanted = sorted({partition_of(tokens.TABLE, Unit.WEEK, moment) for moment in moments})
    async with deps.db.read() as conn:
        missing = await partitions.missing(conn, wanted, Unit.WEEK)
    for partition in missing:
        await _make_week(deps, partition)


async def _make_week(deps: ImportDeps, partition: Partition) -> None:
    """Wait for the table's lock a moment at a time, so that whoever verifies waits no longer."""
    for _ in range(_ATTEMPTS - 1):
        try:
            return await _try_week(deps, partition)
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
                raise
    return await _try_week(deps, partition)


async def _try_week(deps: ImportDeps, partition: Partition) -> None:
    async with deps.db.begin() as conn:
        await conn.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'"))
        await partitions.create(conn, partition, column="expires_at")


async def move(deps: ImportDeps, run: Run) -> None:
    """Move every live token."""
    total = await run.source.count_live_tokens(now=_second(run))
    deps.progress.begin(tokens.TABLE, total)
    try:
        async with asyncio.TaskGroup() as group:
            await _read_and_write(deps, run, group)
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from failed  # the other side only ended with it


async def _read_and_write(deps: ImportDeps, run: Run, group: asyncio.TaskGroup) -> None:
    waiting: asyncio.Queue[_Batch | None] = asyncio.Queue(maxsize=1)
    group.create_task(_read(deps, run, waiting))
    while (batch := await waiting.get()) is not None:
        await _write(deps, run, batch)
        deps.progress.advance(tokens.TABLE, batch.read)


def _second(run: Run) -> int:
    return int(run.now.timestamp())


async def _read(
    deps: ImportDeps, run: Run, waiting: "asyncio.Queue[_Batch | None]"
) -> None:
    after = FIRST
    read = run.source.read(tokens.QUERY, _second(run), batch=deps.batch)
    async for rows in read:
        upto = rows[-1]["id"]
        await waiting.put(_judged(run, rows, Span(after=after, upto=upto)))
        after = upto
    # What moved in before may lie behind the last token there is.
    await waiting.put(_judged(run, [], Span(after=after, upto=LAST)))
    await waiting.put(None)


def _judged(run: Run, rows: Sequence[Any], span: Span) -> _Batch:
    moved = []
    findings: list[Finding] = []
    for row in rows:
        judged = tokens.judge(row, run.known)
        if judged.findings:
            findings.extend(judged.findings)
        if judged.row is not None:
            moved.append(judged.row)
    return _Batch(span=span, read=len(rows), moved=moved, findings=findings)


async def _write(deps: ImportDeps, run: Run, batch: _Batch) -> None:
    """One transaction, unless it is only tried."""
    count = run.report.of(tokens.TABLE)
    count.read += batch.read
    count.left_out += batch.read - len(batch.moved)
    if run.report.dry_run:
        run.report.tally.add(tokens.TABLE, batch.findings)
        return
    async with deps.db.begin() as conn:
        await writing.stage(conn, tokens.COLUMNS, batch.moved)
        written, clashing = await tokens.write(
            conn, batch.span, staged=len(batch.moved), now=run.now, sweep=run.sweep
        )
        failpoints.reach("import.tokens-written")
    failpoints.reach("import.tokens-committed")
    count.left_out += len(clashing)
    count.add(written.new, written.changed, written.removed)
    run.report.tally.add(tokens.TABLE, [*batch.findings, *_taken(clashing)])


def _taken(clashing: Sequence[object]) -> list[Finding]:
    return [Finding(Kind.TAKEN_HERE, str(token_id)) for token_id in clashing]
