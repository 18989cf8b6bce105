"""A real nginx, configured as the manual says, guards a sample service."""

import asyncio
import json
import os
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from yarl import URL

from shared.runtime.embedded import free_port
from tests.integration.gatekeeper.conftest import MakeGate
from tests.integration.gatekeeper.platform import Platform, a_token, away
from tests.integration.gatekeeper.values import CLIENT, RULES, USER

MANUAL = Path(__file__).parents[3] / "docs" / "gatekeeper.md"
FORGED = {
    "X-Consumer-Id": "forged",
    "X-Person-Id": "forged",
    "X-Consumer-Scope": "forged",
    "X-Consumer-Metadata": "forged",
    "X-Original-URI": "/api/open",
    "X-Original-Method": "GET",
    "X-Forwarded-Uri": "/api/open",
}


def nginx_program() -> str:
    path = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/usr/local/sbin"
    found = shutil.which("nginx", path=path)
    if found is None:
        pytest.fail(
            "these tests need nginx: install it (Debian: apt-get install nginx-light)"
        )
    return found


def configured(gate: str, service: str, port: int) -> str:
    """The block of the manual, with the addresses of this test."""
    [block] = re.findall(r"```nginx\n(.*?)```", MANUAL.read_text(), re.DOTALL)
    block = block.replace("http://gatekeeper:8084", gate.rstrip("/"))
    block = block.replace("http://service:8000", service.rstrip("/"))
    return (
        "daemon off;\nmaster_process off;\npid nginx.pid;\nerror_log stderr warn;\n"
        "events {}\nhttp {\naccess_log off;\n"
        + "".join(
            f"{kind}_temp_path {kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        + f"server {{\nlisten 127.0.0.1:{port};\n{block}}}\n}}\n"
    )


@contextmanager
def running(directory: Path, configuration: str) -> Iterator[None]:
    (directory / "nginx.conf").write_text(configuration)
    with (directory / "nginx.log").open("wb") as log:
        process = subprocess.Popen(
            [nginx_program(), "-p", str(directory), "-c", "nginx.conf"], stderr=log
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait()


@dataclass
class Guarded:
    """The service behind nginx, as the world reaches it."""

    url: str
    http: aiohttp.ClientSession
    reached: list[web.Request]

    async def ask(
        self,
        path: str | URL,
        method: str = "GET",
        token: str | None = "good",
        **headers: str,
    ) -> tuple[int, Any, dict[str, str]]:
        """Status, JSON body and headers of an answer."""
        sent = FORGED | headers
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        url = path if isinstance(path, URL) else URL(self.url + path)
        async with self.http.request(method, url, headers=sent) as answer:
            body = await answer.json() if await answer.read() else None
            return answer.status, body, dict(answer.headers)


@pytest.fixture
async def guarded(
    make_gate: MakeGate, platform: Platform, scratch: Path
) -> AsyncIterator[Guarded]:
    platform.tokens["good"] = a_token()
    reached: list[web.Request] = []

    async def service(request: web.Request) -> web.Response:
        reached.append(request)
        if request.query.get("fails"):
            return web.json_response({"own": True}, status=403)
        return web.json_response(dict(request.headers))

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", service)
    gate = await make_gate(rules_text=RULES)
    port = free_port()
    async with TestServer(app) as server, aiohttp.ClientSession() as http:
        text = configured(str(gate.public.make_url("")), str(server.make_url("")), port)
        with running(scratch, text):
            made = Guarded(f"http://127.0.0.1:{port}", http, reached)
            await _answers(made, scratch / "nginx.log")
            yield made


async def _answers(guarded: Guarded, log: Path) -> None:
    for _ in range(500):
        try:
            await guarded.http.get(f"{guarded.url}/nothing-is-here")
        except aiohttp.ClientConnectionError:
            await asyncio.sleep(0.02)
        else:
            return
    pytest.fail(f"nginx does not answer: {log.read_text()}")


async def test_the_service_learns_who_it_is_from_gatekeeper_and_not_from_the_caller(
    guarded: Guarded,
) -> None:
    status, told, _ = await guarded.ask("/api/persons?page=1")
    assert status == 200
    assert told["X-Consumer-Id"] == str(USER)
    assert told["X-Consumer-Scope"] == "episode:read person:read"
    assert json.loads(told["X-Consumer-Metadata"])["client_id"] == str(CLIENT)
    assert "X-Person-Id" not in told
    consumer = {
        name: value for name, value in told.items() if name.startswith("X-Consumer")
    }
    assert "forged" not in str(consumer)


REFUSALS = [
    (401, "/api/persons", "GET", None, "Authorization header is not set"),
    (401, "/api/persons", "GET", "unknown", "Invalid access token"),
    (403, "/api/none", "GET", "good", "No matching rule was found for path /api/none"),
    (403, "/api/persons", "DELETE", "good", "ACL: No matching rule"),
    (403, "/api/x/%2e%2e/persons", "GET", "good", "ACL: No matching rule"),
    (403, "/api/episodes", "GET", "good", "Missing allowances: episode:list"),
]


@pytest.mark.parametrize("case", REFUSALS, ids=lambda case: " ".join(map(str, case[:4])))
async def test_a_refusal_reaches_the_caller_whole_and_the_service_never(
    guarded: Guarded, case: tuple[int, str, str, str | None, str]
) -> None:
    status, path, method, token, text = case
    address = URL(guarded.url + path, encoded=True)
    got, body, headers = await guarded.ask(address, method, token)
    assert got == body["meta"]["code"] == status
    assert text in body["error"]["message"]
    assert headers["Content-Type"].startswith("application/json")
    assert guarded.reached == []


async def test_a_limit_and_an_outage_have_their_own_status(
    guarded: Guarded, platform: Platform
) -> None:
    answers = [await guarded.ask("/api/limited") for _ in range(3)]
    assert [status for status, _, _ in answers] == [200, 200, 429]
    assert answers[2][1]["error"]["message"] == "API rate limit exceeded"
    assert int(answers[2][2]["Retry-After"]) >= 1

    platform.fault = away
    status, body, headers = await guarded.ask("/api/persons")
    assert (status, headers["Retry-After"]) == (503, "1")
    assert body["error"]["type"] == "service_unavailable"
    assert len(guarded.reached) == 2


async def test_what_the_service_itself_refuses_stays_its_own(guarded: Guarded) -> None:
    status, body, _ = await guarded.ask("/api/persons?fails=1")
    assert (status, body) == (403, {"own": True})
