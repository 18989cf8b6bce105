"""`make bench`: measure, print one table, exit 1 if a promise is not kept."""

import argparse
import asyncio
import itertools
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import uvloop

import services.mithril_api
from shared.runtime import migrate
from shared.runtime.embedded_kafka import EmbeddedKafka
from shared.runtime.embedded_postgres import EmbeddedPostgres
from tests.bench import load, pgbench, purge, targets
from tests.bench.load import Load
from tests.bench.seed import Seeded, seed
from tests.bench.targets import Target
from tests.processes import ApiProcess

CONNECTIONS = 64
DOCTORS = 20_000
_PACKAGE = Path(services.mithril_api.__file__).parent


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One line of the table."""

    target: Target
    figure: float
    note: str


@asynccontextmanager
async def serving(url: str, kafka: EmbeddedKafka, log: Path) -> AsyncIterator[ApiProcess]:
    """mithril-api as a process of its own, with every feature on."""
    api = ApiProcess(database_url=url, kafka=kafka.bootstrap, log=log)
    await api.start()
    try:
        yield api
    finally:
        await api.end()


def shuffled(requests: Sequence[bytes]) -> Callable[[], bytes]:
    """Endless requests in a random order, the same for every run."""
    order = list(requests)
    random.Random(1).shuffle(order)
    return itertools.cycle(order).__next__


async def drained(url: str) -> float:
    """Seconds until nothing waits in the outbox."""
    conn = await asyncpg.connect(url)
    started = time.perf_counter()
    try:
        while True:
            waits = await conn.fetchval(
                "SELECT EXISTS (SELECT FROM outbox WHERE sequence IS NULL) "
                "OR EXISTS (SELECT FROM outbox_relays WHERE published < assigned)"
            )
            if not waits:
                return time.perf_counter() - started
            await asyncio.sleep(0.02)
    finally:
        await conn.close()


def _checked(made: Load, status: int) -> Load:
    if made.failed(status):
        raise RuntimeError(f"wrong answers: {dict(made.statuses)}")
    return made


async def measure(
    server: EmbeddedPostgres, kafka: EmbeddedKafka, directory: Path, seconds: int
) -> list[Measured]:
    """Everything, in one run: PostgreSQL's own rate before and after ours."""
    url = server.url("mithril")
    seeded: Seeded = await seed(url, doctors=DOCTORS)
    reference = {"database": "mithril", "seconds": seconds, "doctors": DOCTORS}

    async def pg(script: str, clients: int) -> pgbench.Rate:
        return await pgbench.run(server, script, clients=clients, **reference)  # type: ignore[arg-type]  # the dict's values differ

    async with serving(url, kafka, directory / "mithril-api.log") as api:
        refreshes = shuffled(seeded.refresh_requests(api.public_port))
        verifies = shuffled(seeded.verify_requests(api.internal_port))

        async def ours(port: int, what: Callable[[], bytes], connections: int) -> Load:
            return await load.run(port, what, connections=connections, seconds=seconds)

        await load.run(
            api.public_port, refreshes, connections=CONNECTIONS, seconds=1
        )  # warm
        before = await pg("refresh", CONNECTIONS)
        refreshed = _checked(await ours(api.public_port, refreshes, CONNECTIONS), 201)
        lag = await drained(url)
        after = await pg("refresh", CONNECTIONS)
        memory = api.resident_megabytes()
        await drained(url)
        selects = await pg("verify", CONNECTIONS)
        verified = _checked(await ours(api.internal_port, verifies, CONNECTIONS), 200)
        alone = await pg("refresh", 1)
        await drained(url)
        lone = _checked(await ours(api.public_port, refreshes, 1), 201)
        purged = await purge.measure(
            url, lambda: load.run(api.public_port, refreshes, connections=4, seconds=3)
        )
    own = (before.tps + after.tps) / 2
    return [
        Measured(
            target=targets.REFRESH,
            figure=refreshed.rate / own,
            note=f"{refreshed.rate:.0f}/s against {own:.0f}/s",
        ),
        Measured(
            target=targets.VERIFY,
            figure=verified.rate / selects.tps,
            note=f"{verified.rate:.0f}/s against {selects.tps:.0f}/s",
        ),
        Measured(
            target=targets.LONE,
            figure=lone.quantile(0.5) / alone.latency,
            note=f"{lone.quantile(0.5) * 1000:.2f} ms against {alone.latency * 1000:.2f} ms",
        ),
        Measured(
            target=targets.RELAY,
            figure=lag,
            note=f"{sum(refreshed.statuses.values())} events",
        ),
        *(
            Measured(target=target, figure=figure, note=note)
            for target, figure, note in purged
        ),
        Measured(target=targets.MEMORY, figure=memory, note=""),
    ]


def render(lines: Sequence[Measured]) -> str:
    """The table."""
    rows = [("what", "target", "figure", "kept", "")]
    rows += [
        (
            line.target.name,
            line.target.bound,
            f"{line.figure:.2f}",
            "yes" if line.target.kept(line.figure) else "NO",
            line.note,
        )
        for line in lines
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    )


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--seconds", type=int, default=8, help="of each measurement")
    seconds: int = parser.parse_args().seconds
    with tempfile.TemporaryDirectory(prefix="mithril-bench-") as name:
        directory = Path(name)
        settings: dict[str, Any] = {"shared_buffers": "512MB", "max_wal_size": "8GB"}
        with (
            EmbeddedPostgres(directory / "postgres", settings=settings) as server,
            EmbeddedKafka() as kafka,
        ):
            server.create_database("mithril")
            migrate.upgrade(_PACKAGE, server.url("mithril"))
            lines = uvloop.run(measure(server, kafka, directory, seconds))
    print(render(lines))
    return 0 if all(line.target.kept(line.figure) for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
