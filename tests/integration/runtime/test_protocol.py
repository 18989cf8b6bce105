"""What HTTP itself refuses: in the envelope, and nothing of it in the log."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from shared.runtime import bodies, http, logging, protocol
from shared.runtime.bodies import read_object
from shared.runtime.embedded import free_port
from shared.runtime.entropy import SystemEntropy
from shared.runtime.metrics import HttpMetrics
from shared.runtime.protocol import Runner
from shared.wire.envelope import Answer

SECRET = "mthLEAKLEAKLEAKLEAKLEAKLEAKLEAK0"


async def echo(request: web.Request) -> Answer:
    return Answer(data=await read_object(request))


@pytest.fixture
async def port(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """Serve one route behind the protocol of ours."""
    logging.configure(service="test", level="info", human=False)
    for module in (http, protocol):  # loggers keep the output they first wrote to
        monkeypatch.setattr(module, "_log", logging.get("http"))
    app = http.make_app(
        listener="public", entropy=SystemEntropy(), metrics=HttpMetrics(CollectorRegistry())
    )
    app.router.add_post("/echo", http.as_aiohttp(echo))
    runner = Runner(app, access_log=None)
    await runner.setup()
    number = free_port()
    await web.TCPSite(runner, "127.0.0.1", number).start()
    yield number
    await runner.cleanup()


async def say(port: int, raw: bytes) -> tuple[int, dict[str, str], str]:
    """Send bytes; the status, headers and body of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        return await _answer_to(raw, reader, writer)
    finally:
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)


async def _answer_to(
    raw: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> tuple[int, dict[str, str], str]:
    writer.write(raw)
    async with asyncio.timeout(10):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lines = head.split("\r\n")
        headers = {
            name.lower(): value
            for name, _, value in (line.partition(": ") for line in lines[1:] if line)
        }
        body = (await reader.readexactly(int(headers["content-length"]))).decode()
    return int(lines[0].split()[1]), headers, body


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(
            f"POST /echo HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {SECRET}\x01\r\n\r\n",
            id="a control character in a header",
        ),
        pytest.param(
            f"GET /admin/tokens/{SECRET}\x01 HTTP/1.1\r\nHost: x\r\n\r\n", id="in the path"
        ),
        pytest.param(
            f"GET /{SECRET} HTTP/9.9\r\nHost: x\r\n\r\n", id="a version nobody speaks"
        ),
        pytest.param(
            f"GET /{SECRET * 300} HTTP/1.1\r\nHost: x\r\n\r\n", id="a line without end"
        ),
        pytest.param(f"{SECRET}\r\n\r\n", id="no HTTP at all"),
    ],
)
async def test_what_does_not_parse_is_refused_in_the_envelope_and_not_repeated(
    port: int, raw: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, headers, body = await say(port, raw.encode("latin-1"))

    answer = json.loads(body)
    assert status == answer["meta"]["code"] == 400
    assert answer["error"]["type"] == "request_malformed"
    assert headers["x-request-id"] == answer["meta"]["request_id"]
    assert headers["content-type"] == "application/json; charset=utf-8"
    written = capsys.readouterr()
    assert "LEAK" not in body + written.out + written.err
    assert answer["meta"]["request_id"] in written.out


async def test_a_body_that_does_not_arrive_is_not_waited_for(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "_BODY_SECONDS", 0.05)

    status, headers, body = await say(
        port,
        b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Content-Length: 200\r\n\r\n{",
    )

    assert (status, headers["connection"]) == (408, "close")
    assert json.loads(body)["error"]["type"] == "request_timeout"


async def test_a_body_said_to_be_too_large_is_refused_before_it_arrives(port: int) -> None:
    status, _, body = await say(
        port,
        b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Content-Length: 999999999\r\n\r\n{",
    )

    assert (status, json.loads(body)["error"]["type"]) == (413, "request_too_large")


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/json", 200),
        ("*/*", 200),
        ("text/html, application/*;q=0.8", 200),
        ("text/html", 406),
        ("image/png", 406),
    ],
)
async def test_an_accept_that_rules_out_json(port: int, accept: str, status: int) -> None:
    answered, headers, body = await say(
        port,
        f"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAccept: {accept}\r\n"
        "Content-Length: 2\r\n\r\n{}".encode(),
    )

    assert answered == status
    assert headers["server"] == "mithril"
    if status == 406:
        assert json.loads(body)["error"]["type"] == "content_type_invalid"
