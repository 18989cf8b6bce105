"""`/healthz`, `/readyz` and `/metrics` of the internal listener."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from typing_extensions import TypedDict

from shared.wire.operations import Gives, operation

Ping = Callable[[], Awaitable[None]]


class AliveObject(TypedDict):
    """The process lives."""

    status: str


class ReadyObject(TypedDict):
    """How each neighbour is: `ok`, or what went wrong."""

    status: str
    checks: dict[str, str]


class OutboxObject(TypedDict):
    """What waits in the outbox."""

    data: dict[str, float]


class Readiness:
    """Whether this process should get requests: its neighbours answer and it is not stopping."""

    def __init__(self, pings: Mapping[str, Ping], *, within: float = 2.0) -> None:
        self._pings = dict(pings)
        self._within = within
        self.stopping = False

    async def check(self) -> dict[str, str]:
        """The state of each neighbour: `ok`, or what went wrong in one line."""
        if self.stopping:
            return {"process": "stopping"}
        names = list(self._pings)
        states = await asyncio.gather(*(self._try(self._pings[name]) for name in names))
        return dict(zip(names, states, strict=True))

    async def _try(self, ping: Ping) -> str:
        try:
            async with asyncio.timeout(self._within):
                await ping()
        except Exception as error:  # noqa: BLE001 — any failure is the answer
            return f"{type(error).__name__}: {error}".splitlines()[0][:200]
        return "ok"


def _plain(data: Any, *, status: int = 200) -> Gives:
    return Gives(data=data, status=status, enveloped=False)


def add_routes(
    app: web.Application,
    *,
    readiness: Readiness,
    registry: CollectorRegistry,
    outbox: Callable[[], Mapping[str, float]] | None = None,
) -> None:
    """Mount the three probes; and what waits in the outbox, of a service that has one."""

    @operation(_plain(AliveObject), summary="Whether the process lives.")
    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    @operation(
        _plain(ReadyObject),
        _plain(ReadyObject, status=503),
        summary="Whether it should get requests: its neighbours answer.",
    )
    async def readyz(_: web.Request) -> web.Response:
        states = await readiness.check()
        ready = all(state == "ok" for state in states.values())
        body = {"status": "ready" if ready else "not ready", "checks": states}
        return web.json_response(body, status=200 if ready else 503)

    @operation(
        Gives(data=str, enveloped=False, media="text/plain"),
        summary="What it counts, for Prometheus.",
    )
    async def metrics(_: web.Request) -> web.Response:
        body = generate_latest(registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    @operation(_plain(OutboxObject), summary="How many events wait, and for how long.")
    async def waiting(_: web.Request) -> web.Response:
        state = {} if outbox is None else outbox()
        return web.json_response({"data": dict(state)})

    if outbox is not None:
        app.router.add_get("/outbox", waiting)
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics)
