"""`mithril up` as a child process, on ports of its own."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest


def free_base() -> int:
    """A port base whose ports are free now; each worker of the tests has a range of its own.

    A set binds its ports long after they were looked at: two workers would choose the same.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = 20_000 + worker % 8 * 1500
    for base in range(first, first + 1500, 300):
        ports = [base + offset + number for offset in (0, 100) for number in range(8)]
        if all(_is_free(port) for port in [*ports, base + 207]):
            return base
    raise RuntimeError("no free ports")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def on_the_standing_set(test: Callable[..., Any]) -> Callable[..., Any]:
    """Let a test use the set that all such tests share, in whose loop and worker it then runs.

    It takes the fixture `standing`, stops nothing, and leaves its people as they are.
    """
    in_its_loop = pytest.mark.asyncio(loop_scope="session")(test)
    shared: Callable[..., Any] = pytest.mark.xdist_group("standing set")(in_its_loop)
    return shared


class Up:
    """`mithril up` on a state directory."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.base = free_base()
        self.said = ""
        self.endpoints: dict[str, Any] = {}  # what `endpoints.json` said when it was ready
        self._process: asyncio.subprocess.Process | None = None

    @property
    def process(self) -> asyncio.subprocess.Process:
        assert self._process is not None
        return self._process

    async def start(self) -> dict[str, Any]:
        """Start it; when it is ready, what `endpoints.json` says."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services.cli", "up"),
            *("--state-dir", str(self.state), "--port-base", str(self.base)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        assert self._process.stdout is not None
        self.said = ""
        async with asyncio.timeout(180):
            while "Ctrl-C" not in self.said:
                line = (await self._process.stdout.readline()).decode()
                assert line, self.said
                self.said += line
        self.endpoints = json.loads((self.state / "endpoints.json").read_text())
        return self.endpoints

    async def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """End it; its exit status and what it said since it was ready."""
        if self.process.returncode is None:
            self.process.send_signal(number)
        assert self.process.stdout is not None
        async with asyncio.timeout(60):
            rest = (await self.process.stdout.read()).decode().strip()
            return await self.process.wait(), rest

    def child(self, words: str) -> psutil.Process:
        """The child process whose command line has these words."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        return next(each for each in children if words in " ".join(each.cmdline()))
