"""Move everything but tokens: one table after another, a transaction a batch."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.actions.legacy.deps import ImportDeps
from services.mithril_api.actions.legacy.run import Run
from services.mithril_api.domain.legacy.findings import Finding, Kind
from services.mithril_api.store.legacy import parts, writing
from services.mithril_api.store.legacy.parts import Log, Part
from services.mithril_api.store.legacy.writing import FIRST, LAST, Span, Written
from shared.runtime import failpoints


async def move(deps: ImportDeps, run: Run, part: Part | Log) -> None:
    """Move one table."""
    deps.progress.begin(part.table, await run.source.count(part.origin))
    after = FIRST
    async for rows in run.source.read(part.query, batch=deps.batch):
        full = len(rows) == deps.batch
        upto = rows[-1]["id"] if full and isinstance(part, Part) else LAST
        await _move_batch(deps, run, part, rows, Span(after=after, upto=upto))
        after = upto
        deps.progress.advance(part.table, len(rows))
    if after != LAST:  # the last batch was a full one, or there was none
        await _move_batch(deps, run, part, [], Span(after=after, upto=LAST))


async def _move_batch(
    deps: ImportDeps, run: Run, part: Part | Log, rows: Sequence[Any], span: Span
) -> None:
    moved = []
    findings: list[Finding] = []
    count = run.report.of(part.table)
    count.read += len(rows)
    for row in rows:
        judged = part.judge(row, run.known)
        findings.extend(judged.findings)
        if judged.row is not None:
            moved.append(judged.row)
    count.left_out += len(rows) - len(moved)
    async with deps.db.begin() as conn:  # a dry run fills a temporary table, no other
        taken = await _write(conn, run, part, moved, span=span, findings=findings)
        failpoints.reach("import.written")
    failpoints.reach("import.committed")
    count.left_out += len(taken)
    _learn(run, part, moved, taken)
    run.report.tally.add(part.table, findings)


async def _write(
    conn: AsyncConnection,
    run: Run,
    part: Part | Log,
    moved: Sequence[tuple[Any, ...]],
    *,
    span: Span,
    findings: list[Finding],
) -> set[UUID]:
    """Write a batch; which rows of it had to stay behind."""
    extra = part.extra if isinstance(part, Part) else ()
    await writing.stage(conn, part.columns + extra, moved)
    if isinstance(part, Log):
        if not run.report.dry_run:
            _count(run, part, await writing.append(conn, part))
        return set()
    seeded = await writing.seeded(conn, part)
    findings.extend(Finding(Kind.NAME_SEEDED, str(row_id)) for row_id in seeded)
    taken = await writing.take_clashing(conn, part)
    findings.extend(Finding(Kind.TAKEN_HERE, str(row_id)) for row_id in taken)
    if not run.report.dry_run:
        written = await writing.upsert(conn, part, span, now=run.now, sweep=run.sweep)
        _count(run, part, written)
    return set(taken)


def _count(run: Run, part: Part | Log, written: Written) -> None:
    run.report.of(part.table).add(written.new, written.changed, written.removed)


def _learn(
    run: Run, part: Part | Log, moved: Sequence[tuple[Any, ...]], taken: set[UUID]
) -> None:
    """Remember what later tables refer to."""
    known = run.known
    if part is parts.USERS:
        known.users_left_out |= taken
    elif part is parts.CLIENT_TYPES:
        known.client_types.update(row[0] for row in moved)
    elif part is parts.ROLES:
        known.roles.update(row[0] for row in moved)
    elif part is parts.CLIENTS:
        known.clients.update((str(row[0]), row[0]) for row in moved)
    elif part is parts.CONNECTIONS:
        for row in moved:
            known.redirects.setdefault(row[2], set()).add(row[1])
