"""Move in from a database of the original, a transaction a batch, as often as wanted.

A run compares everything and writes what differs. So one that was killed is begun again, and
finds what it had committed; and one that is run during the change brings what is new since.
"""

from services.mithril_api.actions.legacy import moving_rows, moving_tokens
from services.mithril_api.actions.legacy.deps import ImportDeps
from services.mithril_api.actions.legacy.run import Run
from services.mithril_api.domain.keys import CONNECTION_SECRET
from services.mithril_api.domain.legacy import people
from services.mithril_api.domain.legacy.moving import Known
from services.mithril_api.domain.legacy.report import Report
from services.mithril_api.store.legacy import runs
from services.mithril_api.store.legacy.parts import PARTS
from services.mithril_api.store.legacy.source import Source
from shared.events.accounts import ImportCompleted
from shared.events.envelope import Message
from shared.runtime import outbox


class ImportRefusedError(Exception):
    """Nothing was done, and the text says why."""


async def import_legacy(
    deps: ImportDeps, source: Source, *, dry_run: bool, another_source: bool
) -> Report:
    """What was done, or, of a dry run, what would be.

    Raises:
        ImportRefusedError: another import runs, or the source is not the former one.
    """
    now = deps.clock.now()
    report = Report(source=source.name, dry_run=dry_run, started_at=now)
    async with deps.db.autocommit() as guard:
        if not await runs.is_alone(guard):
            raise ImportRefusedError("another import is running")
        strangers = await source.strangers()
        report.unknown_tables = strangers.tables
        report.unknown_columns = strangers.columns
        report.aside = await source.aside(now=int(now.timestamp()))
        former = await runs.former_source(guard)
        if former not in {None, source.name} and not another_source:
            raise ImportRefusedError(
                f"the former import was of {former}: what is not in this source would be "
                "removed; `--another-source` says that it is the same data"
            )
        await _refuse_an_empty_source(source)
        run = await _begin(deps, source, report, sweep=former is not None)
        await _move(deps, run)
    return report


async def _refuse_an_empty_source(source: Source) -> None:
    """An empty database is a mistake: everything that moved in before would be removed."""
    if not await source.has_users():
        raise ImportRefusedError("the source has no users")


async def _begin(deps: ImportDeps, source: Source, report: Report, *, sweep: bool) -> Run:
    now = report.started_at

    def digest_of_secret(secret: str) -> bytes:
        return deps.keyring.digest(CONNECTION_SECRET, secret)

    run = Run(
        id=deps.entropy.uuid(),
        source=source,
        report=report,
        known=Known(now=now, digest_of_secret=digest_of_secret),
        now=now,
        sweep=sweep,
    )
    if not report.dry_run:
        async with deps.db.begin() as conn:
            await runs.begin(conn, run.id, source.name, at=now)
    return run


async def _move(deps: ImportDeps, run: Run) -> None:
    shared = people.shared_tax_ids(await run.source.shared_tax_ids())
    run.report.tally.add("users", shared)
    for part in PARTS:
        await moving_rows.move(deps, run, part)
    if not run.report.dry_run:
        await moving_tokens.make_weeks(deps, run)
    await moving_tokens.move(deps, run)
    run.report.finished_at = deps.clock.now()
    if not run.report.dry_run:
        await _finish(deps, run)


async def _finish(deps: ImportDeps, run: Run) -> None:
    """Note the end, and publish it where anything changed: the one event of an import."""
    at = deps.clock.now()
    async with deps.db.begin() as conn:
        await runs.finish(conn, run.id, at=at)
        if run.report.changes() == 0:
            return
        counts = {name: count.changes() for name, count in run.report.tables.items()}
        fact = ImportCompleted(import_id=run.id, source=run.source.name, changes=counts)
        await outbox.put(conn, Message(id=deps.entropy.uuid(), at=at, event=fact))
