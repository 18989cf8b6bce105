"""Decisions by abac-api, recorded before they are answered, against Cerbos and one commit."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import asyncpg
import orjson

import services.abac_api
from services.abac_api.domain.attributes import attributes_of
from services.abac_api.handlers.authorize import question_of
from services.abac_api.store.questions import facts_for
from shared.runtime.postgres import connect
from tests.bench import cerbos_server, load, targets
from tests.bench.cerbos_server import UnavailableError
from tests.bench.load import Load
from tests.bench.place import Measured, Place
from tests.bench.questions import Asked, load_facts, questions
from tests.processes import SERVICE_TOKEN, ServiceProcess

CONNECTIONS = 64
_QUESTIONS = 20_000
_COMPARED = 500  # answers that are looked at, of ours and of Cerbos
_LONE, _PAUSE = 60, 0.06  # lone requests a round, and the seconds before each
_COMMIT = "INSERT INTO bench_commits (payload) VALUES (repeat('x', 900))"
_ROUNDS = 3  # the least of these is kept: the machine is shared


async def measure(place: Place) -> list[Measured]:
    """Three lines: the rate, the rate against Cerbos', and what recording adds."""
    url = await place.database("abac", services.abac_api)
    await load_facts(url)
    asked = questions(_QUESTIONS)
    async with _serving(place, url, "recorded", module="services.cli") as api:
        requests = [_request(item, port=api.public_port) for item in asked]
        await _compare(api.public_port, requests, asked, _permitted)
        ours = await _rate(api.public_port, requests, place.seconds)
        lag = await load.drained(url)
        peer = await _peer(place, url, asked)
        again = await _rate(api.public_port, requests, place.seconds)
        await load.drained(url)
        recording = await _recording(place, url, asked, recorded=api)
    best = max(ours, again, key=lambda item: item.rate)
    note = (
        f"{ours.rate:.0f} and {again.rate:.0f}, p50 {best.quantile(0.5) * 1000:.1f} ms, "
        f"p99 {best.quantile(0.99) * 1000:.1f} ms; outbox empty {lag:.1f} s later"
    )
    mean = (ours.rate + again.rate) / 2
    return [
        Measured(target=targets.DECISIONS, figure=mean, note=note),
        _against(peer, mean),
        recording,
    ]


@asynccontextmanager
async def _serving(
    place: Place, url: str, name: str, *, module: str
) -> AsyncIterator[ServiceProcess]:
    api = ServiceProcess(
        "abac-api",
        database_url=url,
        kafka=place.kafka.bootstrap,
        log=place.directory / f"abac-api-{name}.log",
        settings={"MITHRIL_FACTS_GROUP": f"bench-{name}"},
        module=module,
    )
    await api.start()
    try:
        yield api
    finally:
        await api.end()


def _request(asked: Asked, *, port: int) -> bytes:
    body = orjson.dumps(asked.body)
    return load.post("/api/authorize", body, port=port, bearer=SERVICE_TOKEN)


def _permitted(answer: dict[str, Any]) -> bool:
    return answer["data"]["result"] is True


async def _rate(port: int, requests: Sequence[bytes], seconds: int) -> Load:
    next_request = load.shuffled(requests)
    await load.run(port, next_request, connections=CONNECTIONS, seconds=1)  # warm
    made = await load.run(port, next_request, connections=CONNECTIONS, seconds=seconds)
    return load.checked(made, 200)


async def _compare(
    port: int,
    requests: Sequence[bytes],
    asked: Sequence[Asked],
    permitted: Callable[[dict[str, Any]], bool],
) -> None:
    """See that some answers are right: what decides wrongly is not worth a measurement."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for request, item in zip(requests[:_COMPARED], asked, strict=False):
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
        answer = orjson.loads(await reader.readexactly(length))
        if permitted(answer) is not item.permitted:
            raise RuntimeError(f"wrong decision of {item.body}: {answer}")
    writer.close()


async def _peer(place: Place, url: str, asked: Sequence[Asked]) -> Load | str:
    """The same questions to Cerbos, with the facts that we look up given to it; or why not."""
    try:
        binary = await cerbos_server.ensure()
    except UnavailableError as reason:
        return str(reason)
    attributes = await _attributes(url, asked)
    async with cerbos_server.serving(binary, place.directory) as port:
        requests = [
            cerbos_server.request(item.body, known, port=port)
            for item, known in zip(asked, attributes, strict=True)
        ]
        await _compare(port, requests, asked, cerbos_server.permitted)
        return await _rate(port, requests, place.seconds)


def _against(peer: Load | str, rate: float) -> Measured:
    target = targets.DECISIONS_PEER
    if isinstance(peer, str):
        return Measured(target=target, figure=None, note=f"no Cerbos: {peer}")
    note = (
        f"{rate:.0f}/s against {peer.rate:.0f}/s, p99 {peer.quantile(0.99) * 1000:.1f} ms, "
        "given the facts, its log in a file that nothing waits for"
    )
    return Measured(target=target, figure=rate / peer.rate, note=note)


async def _attributes(url: str, asked: Sequence[Asked]) -> list[dict[str, Any]]:
    """What our rules may speak of in each question."""
    db = connect(url, pool_size=1, application="bench")
    now, made = datetime.now(UTC), list[dict[str, Any]]()
    async with db.read() as conn:
        for some in _batches(asked, 200):
            wanted = [question_of(item.body) for item in some]
            facts = await facts_for(conn, wanted)
            made += [
                attributes_of(question, known, now=now)
                for question, known in zip(wanted, facts, strict=True)
            ]
    await db.dispose()
    return made


def _batches(items: Sequence[Asked], size: int) -> Iterator[Sequence[Asked]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


async def _recording(
    place: Place, url: str, asked: Sequence[Asked], *, recorded: ServiceProcess
) -> Measured:
    """A lone decision's median with and without recording, and one commit beside it.

    Lone: the next comes when what the last one set going, the relay too, is done.
    """
    module = "tests.bench.unrecorded"
    async with _serving(place, url, "unrecorded", module=module) as unrecorded:
        ports = recorded.public_port, unrecorded.public_port
        lone: list[list[float]] = [[], []]
        commits = []
        for _ in range(_ROUNDS):
            for port, found in zip(ports, lone, strict=True):
                requests = load.shuffled([_request(item, port=port) for item in asked])
                before = await _recorded(url)
                made = await load.run_lone(port, requests, count=_LONE, pause=_PAUSE)
                found.append(load.checked(made, 200).quantile(0.5))
                await load.drained(url)
                if (await _recorded(url) > before) is (port == unrecorded.public_port):
                    raise RuntimeError("recorded what should not be, or the reverse")
            commits.append(await _commit(url))
    (kept, bare), commit_seconds = map(min, lone), min(commits)
    note = (
        f"{kept * 1000:.2f} ms recorded, {bare * 1000:.2f} ms not; "
        f"a commit {commit_seconds * 1000:.2f} ms"
    )
    figure = (kept - bare) / commit_seconds
    return Measured(target=targets.RECORDING, figure=figure, note=note)


async def _commit(url: str) -> float:
    """The median, in seconds, of one commit of one row as large as a decision's."""
    conn = await asyncpg.connect(url)
    took = []
    for _ in range(_LONE):
        await asyncio.sleep(_PAUSE)
        started = time.perf_counter()
        await conn.execute(_COMMIT)
        took.append(time.perf_counter() - started)
    await conn.close()
    return statistics.median(took)


async def _recorded(url: str) -> int:
    """How many decisions were recorded so far."""
    conn = await asyncpg.connect(url)
    last: int = await conn.fetchval("SELECT coalesce(max(position), 0) FROM outbox")
    await conn.close()
    return last
