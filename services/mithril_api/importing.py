"""The composition root of an import."""

from services.mithril_api.actions.legacy.deps import ImportDeps, Progress
from services.mithril_api.actions.legacy.import_legacy import (
    ImportRefusedError,
    import_legacy,
)
from services.mithril_api.domain.legacy.report import Report
from services.mithril_api.settings_import import ImportSettings
from services.mithril_api.store.legacy import source as sources
from shared.runtime import revisions
from shared.runtime.clock import Clock, SystemClock
from shared.runtime.entropy import SystemEntropy
from shared.runtime.postgres import connect

_NAME = "mithril import-legacy"


async def run(
    settings: ImportSettings,
    *,
    source: str,
    target: str | None,
    batch: int,
    dry_run: bool,
    another_source: bool,
    progress: Progress,
    clock: Clock | None = None,
) -> Report:
    """Import from one database into another, which is migrated and may be in use."""
    url = target or settings.database_url.get_secret_value()
    if not url:
        raise ImportRefusedError("neither `--to` nor DATABASE_URL says where to")
    db = connect(
        url,
        pool_size=2,  # one holds the lock that keeps other imports away, one writes
        application=_NAME,
        statement_timeout_ms=0,
        schema=revisions.newest("mithril_api"),
    )
    deps = ImportDeps(
        db=db,
        clock=clock or SystemClock(),
        entropy=SystemEntropy(),
        keyring=settings.keyring,
        progress=progress,
        batch=batch,
    )
    try:
        await db.ping()
        async with sources.opened(source) as opened:
            return await import_legacy(
                deps, opened, dry_run=dry_run, another_source=another_source
            )
    finally:
        await db.dispose()
