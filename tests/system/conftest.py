"""Whole processes, real servers: what only shows when something is killed."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from services.mithril_api.app import build
from services.mithril_api.settings import Settings
from tests.builders import World, a_world
from tests.chromium import chromium  # noqa: F401 — a fixture
from tests.integration.conftest import *  # noqa: F403 — the same databases
from tests.neighbours.household import HOUSEHOLD
from tests.processes import SECRET_KEY, SERVICE_TOKEN, ApiProcess
from tests.system.sets import Up


async def worlds(database_url: str, kafka: str, count: int, **but: Any) -> list[World]:
    """Clinics with a doctor each, committed."""
    built = build(
        Settings(
            database_url=database_url,
            kafka_bootstrap_servers=kafka,
            secret_keys=(SECRET_KEY,),
            service_tokens=(SERVICE_TOKEN,),
            password_memory_kib=64,
            password_passes=1,
        )
    )
    try:
        return [await a_world(built.deps, **but) for _ in range(count)]
    finally:
        await built.deps.db.dispose()
        built.deps.passwords.close()


@dataclass
class Load:
    """Clients that refresh until they are told to stop, and remember every answer."""

    url: str
    worlds: list[World]
    issued: list[str] = field(default_factory=list)  # ids of tokens from answers of 201
    refused: list[tuple[int, Any]] = field(default_factory=list)
    broken: int = 0  # requests whose connection ended without an answer
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    _progress: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def run(self) -> None:
        """One client a world."""
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as http,
            asyncio.TaskGroup() as group,
        ):
            for world in self.worlds:
                group.create_task(self._client(http, world))

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until the answers so far satisfy a condition."""
        async with asyncio.timeout(60), self._progress:
            await self._progress.wait_for(condition)

    async def more(self, count: int) -> None:
        """Wait for so many more tokens."""
        wanted = len(self.issued) + count
        await self.until(lambda: len(self.issued) >= wanted)

    async def _client(self, http: aiohttp.ClientSession, world: World) -> None:
        while not self.stop.is_set():
            try:
                async with http.post(
                    f"{self.url}/oauth/tokens", json=world.refresh_body()
                ) as response:
                    body = await response.json()
                    if response.status == 201:
                        self.issued.append(body["data"]["id"])
                    else:
                        self.refused.append((response.status, body))
            except (aiohttp.ClientError, ConnectionError):
                self.broken += 1
                await asyncio.sleep(0.01)  # the server is down: do not spin
            async with self._progress:
                self._progress.notify_all()


@pytest.fixture
async def api_process(
    mithril_database: str, kafka_bootstrap: str, tmp_path: Path
) -> AsyncIterator[ApiProcess]:
    """Run mithril-api on the session's servers."""
    process = ApiProcess(
        database_url=mithril_database, kafka=kafka_bootstrap, log=tmp_path / "api.log"
    )
    await process.start()
    yield process
    await process.end()


@pytest.fixture
async def up(scratch: Path) -> AsyncIterator[Up]:
    """Have a set that is not started yet; ended after the test."""
    made = Up(scratch / "state")
    yield made
    if made._process is not None:
        await made.end()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def standing(request: pytest.FixtureRequest) -> AsyncIterator[Up]:
    """A set that runs, for all tests that are `on_the_standing_set`."""
    directory = Path(tempfile.mkdtemp(dir=request.config.stash[HOUSEHOLD].directory))
    made = Up(directory / "state")
    await made.start()
    yield made
    await made.end()
