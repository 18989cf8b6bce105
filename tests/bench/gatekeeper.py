"""gatekeeper's `/verify` with its cache and without, and how long a revoked token still passes."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import aiohttp

import services.mithril_api
from tests.bench import load, targets
from tests.bench.load import Load
from tests.bench.place import Measured, Place
from tests.bench.seed import Seeded, seed
from tests.bench.tokens import CONNECTIONS, serving
from tests.processes import ApiProcess, GatekeeperProcess

_DOCTORS = 5_000
_REVOKED = 300
_SPARE = 64  # tokens that no one revokes, for a load beside
_RULES = """\
limits: {second: 100000}
rules:
  - {path: /api/dictionaries, methods: [GET], scopes: ["episode:read"], api_key: true}
  - {path: "/api/persons/[^/]+", methods: [GET], scopes: ["person:read"]}
  - {path: "/api/patients/[^/]+/episodes", methods: [GET], scopes: ["episode:read"]}
"""
_PATH = "/api/patients/8a5b3c1e-0000-4000-8000-000000000001/episodes?page=1"


@asynccontextmanager
async def _guarding(
    place: Place, api: ApiProcess, *, cache_seconds: float
) -> AsyncIterator[GatekeeperProcess]:
    rules = place.directory / "rules.yaml"
    rules.write_text(_RULES)
    gate = GatekeeperProcess(
        api,
        kafka=place.kafka.bootstrap,
        log=place.directory / "gatekeeper.log",
        settings={
            "MITHRIL_GATEKEEPER_RULES": str(rules),
            "MITHRIL_GATEKEEPER_CACHE_SECONDS": str(cache_seconds),
        },
    )
    await gate.start()
    try:
        yield gate
    finally:
        await gate.end()


def _requests(tokens: Sequence[str], port: int) -> list[bytes]:
    return [
        (
            f"GET /verify HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            f"Authorization: Bearer {token}\r\nX-Original-Method: GET\r\n"
            f"X-Original-URI: {_PATH}\r\n\r\n"
        ).encode()
        for token in tokens
    ]


async def measure(place: Place) -> list[Measured]:
    """mithril-api's own rate before and after ours, all in one run."""
    url = await place.database("gatekeeper", services.mithril_api)
    seeded = await seed(url, doctors=_DOCTORS)
    async with serving(url, place.kafka, place.directory / "mithril-api.log") as api:
        verifies = load.shuffled(seeded.verify_requests(api.internal_port))

        async def direct() -> Load:
            made = await load.run(
                api.internal_port, verifies, connections=CONNECTIONS, seconds=place.seconds
            )
            return load.checked(made, 200)

        await load.run(api.internal_port, verifies, connections=CONNECTIONS, seconds=1)
        before = await direct()
        async with _guarding(place, api, cache_seconds=0) as gate:
            cold = await _checked(gate, seeded.access_values, place.seconds)
        after = await direct()
        async with _guarding(place, api, cache_seconds=60) as gate:
            await gate.hears()
            warm = await _checked(gate, seeded.access_values, place.seconds)
            waits = await _revoked(api, gate, seeded)
    own = (before.rate + after.rate) / 2
    p99 = sorted(waits)[int(len(waits) * 0.99)]
    return [
        Measured(
            target=targets.GATE_WARM,
            figure=warm.rate,
            note=f"p99 {warm.quantile(0.99) * 1000:.1f} ms",
        ),
        Measured(
            target=targets.GATE_COLD,
            figure=cold.rate / own,
            note=f"{cold.rate:.0f}/s against {own:.0f}/s",
        ),
        Measured(
            target=targets.GATE_REVOKED,
            figure=p99 * 1000,
            note=f"of {len(waits)}, at the most {max(waits) * 1000:.0f} ms",
        ),
    ]


async def _checked(gate: GatekeeperProcess, tokens: Sequence[str], seconds: float) -> Load:
    asked = load.shuffled(_requests(tokens, gate.public_port))
    await load.run(gate.public_port, asked, connections=CONNECTIONS, seconds=2)  # warm
    made = await load.run(gate.public_port, asked, connections=CONNECTIONS, seconds=seconds)
    return load.checked(made, 200)


async def _revoked(api: ApiProcess, gate: GatekeeperProcess, seeded: Seeded) -> list[float]:
    """Sign sessions out, one after another, and ask again and again until they are refused."""
    tokens = seeded.access_values
    spare = load.shuffled(_requests(tokens[:_SPARE], gate.public_port))
    beside = asyncio.create_task(
        load.run(gate.public_port, spare, connections=2, seconds=_REVOKED * 0.05)
    )
    waits = []
    async with aiohttp.ClientSession() as http:
        for token in tokens[_SPARE : _SPARE + _REVOKED]:
            if await _status(http, gate, token) != 200:
                raise RuntimeError("a token that nobody revoked is refused")
            bearer = {"Authorization": f"Bearer {token}"}
            async with http.post(f"{api.public}/auth/logout", headers=bearer) as answer:
                answer.raise_for_status()
            waits.append(await _until_refused(http, gate, token))
    load.checked(await beside, 200)
    return waits


async def _until_refused(
    http: aiohttp.ClientSession, gate: GatekeeperProcess, token: str
) -> float:
    """Seconds from now to the last request that passed."""
    started = passed = time.perf_counter()
    async with asyncio.timeout(20):
        while await _status(http, gate, token) == 200:
            passed = time.perf_counter()
            await asyncio.sleep(0.001)
    return passed - started


async def _status(http: aiohttp.ClientSession, gate: GatekeeperProcess, token: str) -> int:
    headers = {
        "Authorization": f"Bearer {token}",
        "X-Original-Method": "GET",
        "X-Original-URI": _PATH,
    }
    async with http.get(f"{gate.public}/verify", headers=headers) as answer:
        return answer.status
