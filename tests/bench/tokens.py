"""Tokens through mithril-api against PostgreSQL itself, and what purging costs."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import services.mithril_api
from shared.runtime.embedded_kafka import EmbeddedKafka
from tests.bench import load, pgbench, purge, targets
from tests.bench.load import Load
from tests.bench.place import Measured, Place
from tests.bench.seed import Seeded, seed
from tests.processes import ApiProcess

CONNECTIONS = 64
_STRANGERS = 16  # connections that try passwords, each as fast as it is answered
DOCTORS = 20_000


@asynccontextmanager
async def serving(url: str, kafka: EmbeddedKafka, log: Path) -> AsyncIterator[ApiProcess]:
    """mithril-api as a process of its own, with every feature on."""
    # All strangers of the storm come from one address.
    settings = {"MITHRIL_LIMIT_LOGIN_ADDRESS": "off"}
    api = ApiProcess(database_url=url, kafka=kafka.bootstrap, log=log, settings=settings)
    await api.start()
    try:
        yield api
    finally:
        await api.end()


async def measure(place: Place) -> list[Measured]:
    """All of it in one run: PostgreSQL's own rate before and after ours."""
    server, seconds = place.server, place.seconds
    url = await place.database("mithril", services.mithril_api)
    seeded: Seeded = await seed(url, doctors=DOCTORS)
    reference = {"database": "mithril", "seconds": seconds, "doctors": DOCTORS}

    async def pg(script: str, clients: int) -> pgbench.Rate:
        return await pgbench.run(server, script, clients=clients, **reference)  # type: ignore[arg-type]  # the dict's values differ

    async with serving(url, place.kafka, place.directory / "mithril-api.log") as api:
        refreshes = load.shuffled(seeded.refresh_requests(api.public_port))
        verifies = load.shuffled(seeded.verify_requests(api.internal_port))

        async def ours(port: int, what: Callable[[], bytes], connections: int) -> Load:
            return await load.run(port, what, connections=connections, seconds=seconds)

        await load.run(
            api.public_port, refreshes, connections=CONNECTIONS, seconds=1
        )  # warm
        before = await pg("refresh", CONNECTIONS)
        refreshed = load.checked(await ours(api.public_port, refreshes, CONNECTIONS), 201)
        lag = await load.drained(url)
        after = await pg("refresh", CONNECTIONS)
        memory = api.resident_megabytes()
        await load.drained(url)
        selects = await pg("verify", CONNECTIONS)
        verified = load.checked(await ours(api.internal_port, verifies, CONNECTIONS), 200)
        alone = await pg("refresh", 1)
        await load.drained(url)
        lone = load.checked(await ours(api.public_port, refreshes, 1), 201)
        storm = await _storm(api.public_port, refreshes, seeded, seconds)
        await load.drained(url)
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
        storm,
        Measured(target=targets.MEMORY, figure=memory, note=""),
    ]


async def _storm(
    port: int, refreshes: Callable[[], bytes], seeded: Seeded, seconds: int
) -> Measured:
    """Refreshes alone, beside sign-ins, and alone again."""
    strangers = load.shuffled(seeded.sign_in_requests(port, 2_000))

    async def calm() -> Load:
        made = await load.run(port, refreshes, connections=CONNECTIONS, seconds=seconds)
        return load.checked(made, 201)

    before = await calm()
    beside, tries = await asyncio.gather(
        calm(), load.run(port, strangers, connections=_STRANGERS, seconds=seconds)
    )
    after = await calm()
    alone = (before.rate + after.rate) / 2
    answers = ", ".join(f"{count} × {status}" for status, count in tries.statuses.items())
    note = f"{beside.rate:.0f}/s against {alone:.0f}/s; sign-ins answered: {answers}"
    return Measured(target=targets.STORM, figure=beside.rate / alone, note=note)
