"""`mithril up`, as a newcomer meets it: one command, a table, a `curl` that answers 201."""

import asyncio
import json
import shlex
import signal
import socket
import sys
from typing import Any

import aiohttp
import psutil
import pytest

from tests.reading import read
from tests.system.sets import Up, on_the_standing_set


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


@on_the_standing_set
async def test_the_printed_curl_answers_201_with_a_token_that_verifies_and_an_event(
    standing: Up,
) -> None:
    endpoints = standing.endpoints

    status, body = await paste(standing.said)

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
        *("gatekeeper", "auth-web", "admin-web"),
    }
    assert set(endpoints["emulators"]) == {"public", "smtp"}
    assert set(demo) == {
        *("client_id", "client_secret", "refresh_token", "user_id", "user_email"),
        *("user_password", "service_token", "admin_token", "auditor_token", "mis_api_key"),
        *("admin_email", "admin_password", "auditor_email", "auditor_password"),
        *("app_secret", "app_redirect_uri", "app_scope"),
        *("patient_id", "two_factor_email", "two_factor_password", "two_factor_phone"),
    }


async def test_killed_and_started_again_it_lost_nothing_fills_the_empty_broker_and_ends_well(
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
    assert await up.end() == (0, "")
    assert not (up.state / "endpoints.json").exists()


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


@on_the_standing_set
async def test_a_second_set_on_the_same_state_is_refused_and_harms_nothing(
    standing: Up,
) -> None:
    second = Up(standing.state)
    second._process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.cli", "up"),
        *("--state-dir", str(standing.state), "--port-base", str(second.base)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    status, said = await second.end(signal.SIGCONT)

    assert status == 1
    assert said.startswith("mithril up: another process runs")
    assert len(said.splitlines()) == 1
    assert (standing.state / "endpoints.json").exists()
