"""Run a process: two listeners, named background tasks, an orderly end.

On SIGTERM or SIGINT the process says it is not ready, stops accepting, finishes what it
accepted, lets its background tasks end, then closes what it opened. A background task that
dies takes the process with it: a limping process is worse than a restarted one.
"""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

import uvloop
from aiohttp import web

from shared.runtime import logging
from shared.runtime.health import Readiness
from shared.runtime.protocol import Runner

_log = logging.get("serve")

# Set by a parent that keeps our standard input open for as long as it lives.
PARENT_PIPE = "MITHRIL_PARENT_PIPE"

Background = Callable[[asyncio.Event], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """An application and where it listens."""

    name: str
    app: web.Application
    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """What `run` runs. A background task gets an event that asks it to end."""

    name: str
    listeners: Sequence[Listener]
    readiness: Readiness
    background: Mapping[str, Background] = field(default_factory=dict)
    close: Callable[[], Awaitable[None]]
    grace: float = 20.0  # seconds for all of it; a pod has 30, five of them before SIGTERM


def run(build: Callable[[], Awaitable[Process]]) -> None:
    """Build a process on a fresh event loop and run it to its end."""
    try:
        uvloop.run(_run(build))
    except OSError as error:  # an address in use, or not ours
        sys.exit(f"cannot serve: {error}")


async def _run(build: Callable[[], Awaitable[Process]]) -> None:
    process = await build()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if os.environ.get(PARENT_PIPE):
        await loop.connect_read_pipe(lambda: _ParentPipe(stop), sys.stdin)
    await serve(process, stop)


class _ParentPipe(asyncio.Protocol):
    """Ends the process in order when whoever started it is gone, however it went."""

    def __init__(self, stop: asyncio.Event) -> None:
        self._stop = stop

    def connection_lost(self, _: Exception | None) -> None:
        self._stop.set()


async def serve(process: Process, stop: asyncio.Event) -> None:
    """Run until `stop` is set or a background task fails; then end in order."""
    _settle_the_collector()
    runners = [await _start(listener, process.grace) for listener in process.listeners]
    end_tasks = asyncio.Event()
    tasks = {
        asyncio.ensure_future(make(end_tasks)): name
        for name, make in process.background.items()
    }
    _log.info("started", process=process.name)
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait([stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        process.readiness.stopping = True
        deadline = asyncio.get_running_loop().time() + process.grace
        await asyncio.gather(*(runner.cleanup() for runner in runners))
        end_tasks.set()
        if tasks:
            left = max(1.0, deadline - asyncio.get_running_loop().time())
            _, unfinished = await asyncio.wait(tasks, timeout=left)
            for task in unfinished:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await process.close()
        _log.info("stopped", process=process.name)
    for task, name in tasks.items():
        if not task.cancelled() and (error := task.exception()) is not None:
            msg = f"background task `{name}` failed"
            raise RuntimeError(msg) from error


def _settle_the_collector() -> None:
    """Leave out of every collection what lives as long as the process, and collect less often.

    Requests leave no cycles behind to speak of; the default threshold walks all modules and
    tables of the process many times a second under load.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


async def _start(listener: Listener, grace: float) -> Runner:
    runner = Runner(
        listener.app,
        access_log=None,  # the one line a request is written by the middleware
        handle_signals=False,
        shutdown_timeout=grace,
        keepalive_timeout=75.0,
    )
    await runner.setup()
    await web.TCPSite(runner, listener.host, listener.port, backlog=1024).start()
    return runner
