"""Moving in from the original: against a bare COPY of the rows that come out of it."""

import time
from pathlib import Path

import asyncpg

import services.mithril_api
from services.mithril_api import importing
from services.mithril_api.domain.legacy.report import Report
from services.mithril_api.settings_import import ImportSettings
from tests.bench import targets
from tests.bench.place import Measured, Place
from tests.integration.mithril_api.legacy.original import create

_FILL = Path(__file__).with_name("importing.sql")
_BATCH = 20_000
_ROUNDS = 2  # of further runs: the machine is shared, so the better one counts
_BARE = "CREATE TABLE bench_bare (LIKE tokens INCLUDING DEFAULTS INCLUDING INDEXES)"


class _Quiet:
    def begin(self, table: str, total: int) -> None:
        pass

    def advance(self, table: str, rows: int) -> None:
        pass


async def measure(place: Place) -> list[Measured]:
    """How fast tokens come in, against COPY into a table of the same columns and indexes."""
    source = await _original(place)
    target = await place.database("moved", services.mithril_api)
    first, seconds = await _timed(source, target)
    later = min([await _again(source, target) for _ in range(_ROUNDS)])
    bare = await _bare(target, place.directory / "tokens.copy")
    count = first.of("tokens").new
    note = f"{count} tokens and what they need in {seconds:.1f} s; COPY {bare:.1f} s"
    delta = f"the same again, nothing new: {later:.1f} s"
    return [
        Measured(target=targets.IMPORT, figure=bare / seconds, note=note),
        Measured(target=targets.IMPORT_AGAIN, figure=later / seconds, note=delta),
    ]


async def _original(place: Place) -> str:
    place.server.create_database("original")
    url = place.server.url("original")
    await create(url)
    conn = await asyncpg.connect(url, command_timeout=3600)
    await conn.execute(_FILL.read_text().format(count=place.tokens))
    await conn.execute("CHECKPOINT")
    await conn.close()
    return url


async def _timed(source: str, target: str) -> tuple[Report, float]:
    started = time.perf_counter()
    report = await importing.run(
        ImportSettings(secret_keys=("key-for-the-bench-0123456789",)),
        source=source,
        target=target,
        batch=_BATCH,
        dry_run=False,
        another_source=False,
        progress=_Quiet(),
    )
    return report, time.perf_counter() - started


async def _again(source: str, target: str) -> float:
    report, seconds = await _timed(source, target)
    if report.changes():
        raise RuntimeError(f"a further run changed {report.changes()} rows")
    return seconds


async def _bare(url: str, file: Path) -> float:
    conn = await asyncpg.connect(url, command_timeout=3600)
    await conn.copy_from_query("SELECT * FROM tokens", output=file, format="binary")
    await conn.execute(_BARE)
    await conn.execute("CHECKPOINT")
    started = time.perf_counter()
    await conn.copy_to_table("bench_bare", source=file, format="binary")
    took = time.perf_counter() - started
    await conn.close()
    return took
