"""`mithril up`, as a newcomer meets it: one command, a table, a `curl` that answers 201."""

import asyncio
import json
import shlex
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

from tests.reading import read


def free_base() -> int:
    """A port base whose public and internal ports are free now."""
    for base in range(20_000, 30_000, 300):
        ports = [base + offset + number for offset in (0, 100) for number in range(7)]
        if all(_is_free(port) for port in ports):
            return base
    raise RuntimeError("no free ports")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


class Up:
    """`mithril up` on a state directory."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.base = free_base()
        self.said = ""
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
        async with asyncio.timeout(90):
            while "Ctrl-C" not in self.said:
                line = (await self._process.stdout.readline()).decode()
                assert line, self.said
                self.said += line
        endpoints: dict[str, Any] = json.loads((self.state / "endpoints.json").read_text())
        return endpoints

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


@pytest.fixture
async def up(scratch: Path) -> AsyncIterator[Up]:
    """Have a set that is not started yet; ended after the test."""
    made = Up(scratch / "state")
    yield made
    if made._process is not None:
        await made.end()


async def paste(said: str) -> tuple[int, dict[str, Any]]:
    """Do what the printed `curl` would."""
    printed = said[said.index("curl -i ") :].split("\n\n", maxsplit=1)[0]
    words = shlex.split(printed.replace("\\\n", " "))
    url = next(word for word in words if word.startswith("http://"))
    body = words[words.index("-d") + 1]
    async with (
        aiohttp.ClientSession() as http,
        http.post(url, json=json.loads(body)) as answer,
    ):
        return answer.status, await answer.json()


async def test_the_printed_curl_answers_201_with_a_token_that_verifies_and_an_event(
    up: Up,
) -> None:
    endpoints = await up.start()

    status, body = await paste(up.said)

    assert status == 201
    api, demo = endpoints["services"]["mithril-api"], endpoints["demo"]
    async with aiohttp.ClientSession() as http:
        verify = f"{api['internal']}/admin/tokens/{body['data']['value']}/verify"
        bearer = {"Authorization": f"Bearer {demo['service_token']}"}
        async with http.get(verify, headers=bearer) as answer:
            verified = await answer.json()
        async with http.get(
            f"{api['internal']}/admin/users",
            headers={"Authorization": f"Bearer {demo['admin_token']}"},
        ) as answer:
            assert answer.status == 200
    assert verified["data"]["user_id"] == demo["user_id"]
    records = await read(
        endpoints["kafka_bootstrap"],
        "mithril.tokens",
        source="mithril-api",
        until=lambda found: any(
            record.data.get("token_id") == body["data"]["id"] for record in found
        ),
    )
    assert records[-1].sequence >= 1
    assert set(endpoints["services"]) == {
        *("mithril-api", "mithril-scheduler", "abac-api", "abac-log-consumer"),
    }
    assert set(demo) == {
        *("client_id", "client_secret", "refresh_token", "user_id", "user_email"),
        *("user_password", "service_token", "admin_token", "auditor_token", "mis_api_key"),
        *("admin_email", "admin_password", "auditor_email", "auditor_password"),
        "patient_id",
    }
    assert await up.end() == (0, "")
    assert not (up.state / "endpoints.json").exists()


async def test_killed_and_started_again_it_lost_nothing_and_fills_the_empty_broker(
    up: Up,
) -> None:
    before = await up.start()
    _, first = await paste(up.said)
    up.process.kill()
    await up.process.wait()

    after = await up.start()
    status, _ = await paste(up.said)

    assert after["demo"] == before["demo"]
    assert status == 201
    records = await read(
        after["kafka_bootstrap"],
        "mithril.tokens",
        source="mithril-api",
        until=lambda found: any(
            record.data.get("token_id") == first["data"]["id"] for record in found
        ),
    )
    numbers = {record.sequence for record in records}
    assert len(numbers) == len({record.id for record in records})


@pytest.mark.parametrize("part", ["mithril-scheduler serve", "embedded_kafka"])
async def test_a_part_that_dies_takes_the_set_down_with_a_clear_message(
    up: Up, part: str
) -> None:
    await up.start()
    children = psutil.Process(up.process.pid).children(recursive=True)
    up.child(part).kill()

    status, said = await up.end(signal.SIGCONT)  # which does nothing: it ends by itself

    assert status == 1
    assert said.startswith("mithril up: ")
    assert ("mithril-scheduler ended" if "scheduler" in part else "Kafka ended") in said
    assert [
        each for each in children if each.is_running() and each.status() != "zombie"
    ] == []


async def test_ports_in_use_are_named(up: Up) -> None:
    with socket.create_server(("127.0.0.1", up.base)):
        up._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services.cli", "up"),
            *("--state-dir", str(up.state), "--port-base", str(up.base)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        status, said = await up.end(signal.SIGCONT)

    assert status == 1
    assert said == (f"mithril up: ports in use: {up.base}; choose others with --port-base")


async def test_a_second_set_on_the_same_state_is_refused_and_harms_nothing(up: Up) -> None:
    await up.start()
    second = Up(up.state)
    second._process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.cli", "up"),
        *("--state-dir", str(up.state), "--port-base", str(second.base)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    status, said = await second.end(signal.SIGCONT)

    assert status == 1
    assert said.startswith("mithril up: another process runs")
    assert len(said.splitlines()) == 1
    assert (up.state / "endpoints.json").exists()
