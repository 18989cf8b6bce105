"""Spans: what they say, what they do not, and how work done together is linked."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Sequence

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from opentelemetry.sdk.trace.sampling import ParentBased
from opentelemetry.trace import StatusCode
from prometheus_client import CollectorRegistry
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from shared.runtime import http, logging, tracing
from shared.runtime.coalesce import Coalescer
from shared.runtime.entropy import SystemEntropy
from shared.runtime.metrics import HttpMetrics
from shared.runtime.postgres import connect, driver_of
from shared.wire.envelope import Answer
from tests.tracing import CALLER, TRACE, UNSAMPLED, Kept, is_within, kept

__all__ = ["kept"]


def an_app(handler: http.Handler) -> web.Application:
    metrics = HttpMetrics(CollectorRegistry())
    app = http.make_app(listener="public", entropy=SystemEntropy(), metrics=metrics)
    app.router.add_get("/people/{id}", http.as_aiohttp(handler))
    app.router.add_get("/readyz", http.as_aiohttp(handler))
    return app


async def fine(_: web.Request) -> Answer:
    return Answer(data={"traceparent": tracing.current.get()})


async def get(
    app: web.Application, path: str, **headers: str
) -> tuple[int, dict[str, object]]:
    async with (
        TestServer(app) as server,
        aiohttp.ClientSession() as session,
        session.get(server.make_url(path), headers=headers) as answer,
    ):
        return answer.status, await answer.json()


async def test_a_request_is_a_span_by_its_route_and_never_by_its_path(kept: Kept) -> None:
    await get(an_app(fine), "/people/3012345678?name=Secret", traceparent=CALLER)
    span = kept.one("GET /people/{id}")
    assert dict(span.attributes or {}) == {
        "http.request.method": "GET",
        "http.route": "/people/{id}",
        "url.scheme": "http",
        "http.response.status_code": 200,
    }


async def test_a_request_without_a_trace_begins_one(kept: Kept) -> None:
    await get(an_app(fine), "/people/1")
    (span,) = kept.all()
    assert span.parent is None


async def test_probes_make_no_spans(kept: Kept) -> None:
    await get(an_app(fine), "/readyz")
    assert kept.all() == []


async def test_what_the_caller_does_not_sample_is_not_sent_and_its_trace_goes_on(
    kept: Kept,
) -> None:
    _, body = await get(an_app(fine), "/people/1", traceparent=UNSAMPLED)
    assert kept.all() == []
    data = body["data"]
    assert isinstance(data, dict)
    assert data["traceparent"].startswith(f"00-{TRACE}-")
    assert data["traceparent"].endswith("-00")


async def test_a_failure_says_its_kind_and_not_its_text(kept: Kept) -> None:
    async def broken(_: web.Request) -> Answer:
        raise RuntimeError("secret of somebody")

    status, _ = await get(an_app(broken), "/people/1", traceparent=CALLER)
    span = kept.one("GET /people/{id}")
    assert status == 500
    assert span.status.status_code is StatusCode.ERROR
    assert (span.attributes or {})["error.type"] == "500"
    assert "secret" not in span.to_json()


async def test_log_lines_say_the_trace_and_the_span(
    kept: Kept, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    logging.configure(service="test", level="info", human=False)
    await get(an_app(fine), "/people/1", traceparent=CALLER)
    span = kept.one("GET /people/{id}")
    line = json.loads(capfdbinary.readouterr().out.splitlines()[-1])
    assert line["trace_id"] == TRACE
    assert line["span_id"] == f"{span.context.span_id:016x}"


async def test_whom_we_ask_sees_our_trace_and_the_span_names_no_path(kept: Kept) -> None:
    async def ask(_: web.Request) -> Answer:
        async with (
            TestServer(an_app(fine)) as other,
            aiohttp.ClientSession(trace_configs=tracing.client_traces()) as session,
            session.get(other.make_url("/people/3012345678?q=Secret")) as answer,
        ):
            return Answer(data={"seen": (await answer.json())["data"]})

    await get(an_app(ask), "/people/1", traceparent=CALLER)
    client = kept.one("GET")
    servers = [it for it in kept.of(TRACE) if it.name == "GET /people/{id}"]
    assert is_within(client, servers[0])
    assert is_within(servers[1], client)
    assert (client.attributes or {})["http.response.status_code"] == 200
    assert not any("3012345678" in span.to_json() for span in kept.all())


async def test_whom_we_ask_may_be_away(kept: Kept) -> None:
    async with aiohttp.ClientSession(trace_configs=tracing.client_traces()) as session:
        with tracing.work("test"), pytest.raises(aiohttp.ClientConnectorError):
            await session.get("http://127.0.0.1:1/people/3012345678")
    client = next(span for span in kept.all() if span.name == "GET")
    assert (client.attributes or {})["error.type"] == "ClientConnectorError"


async def test_requests_answered_together_are_linked_with_their_batch(kept: Kept) -> None:
    async def answer(items: Sequence[int]) -> list[int]:
        return list(items)

    calls: Coalescer[int, int] = Coalescer(answer, most=8, lanes=1, name="refresh")

    async def ask(number: int) -> None:
        with tracing.work(f"request {number}"):
            await calls.submit(number)

    await asyncio.gather(*map(ask, range(3)))

    spans = {span.name: span for span in kept.all()}
    batch = spans["batch refresh"]
    others = [spans["request 1"], spans["request 2"]]
    assert is_within(batch, spans["request 0"])
    assert [link.context for link in batch.links] == [it.context for it in others]
    for other in others:
        assert [link.context for link in other.links] == [batch.context]


async def test_a_statement_is_a_span_without_what_it_was_given(
    kept: Kept, postgres_url: str
) -> None:
    db = connect(postgres_url, pool_size=1, application="test")
    async with db.read():
        pass  # the engine asks the server what it is, once
    with tracing.work("work"):
        async with db.begin() as conn:
            await driver_of(conn).fetchval("SELECT $1::text", "secret-1")
            await conn.execute(text("SELECT CAST(:it AS text)"), {"it": "secret-2"})
        await asyncio.sleep(0)  # the driver tells of its calls a moment later
        with pytest.raises(DBAPIError):
            async with db.read() as conn:
                await conn.execute(text("SELECT CAST(:it AS uuid)"), {"it": "secret-3"})
    await asyncio.sleep(0)
    async with db.read() as conn:  # nobody's work
        await conn.execute(text("SELECT 1"))
    await db.dispose()

    (work,) = (span for span in kept.all() if span.name == "work")
    statements = [span for span in kept.all() if span is not work]
    assert all(is_within(span, work) for span in statements)
    names = [span.name.partition(" ")[0] for span in statements]
    assert sorted(names) == ["BEGIN", "COMMIT", "SELECT", "SELECT", "SELECT"]
    (failed,) = (it for it in statements if it.status.status_code is StatusCode.ERROR)
    assert "error.type" in (failed.attributes or {})
    assert not any("secret" in span.to_json() for span in statements)


async def test_records_read_together_are_linked_with_their_batch(kept: Kept) -> None:
    other = CALLER.replace(TRACE, "ab" * 16)
    records = [
        ("mithril.tokens", [("traceparent", CALLER.encode())]),
        ("mithril.tokens", [("traceparent", other.encode())]),
        ("mithril.tokens", [("traceparent", b"nonsense")]),
        ("mithril.tokens", []),
    ]
    with tracing.consuming(records, group="test"):
        pass
    (batch,) = (span for span in kept.all() if span.name == "process batch")
    linked = {link.context.trace_id for link in batch.links}
    assert linked == {int(TRACE, 16), int("ab" * 16, 16)}
    assert len(kept.all()) == 3


def test_where_nobody_collects_spans_opentelemetry_is_not_even_imported() -> None:
    program = (
        "import sys, services.cli\n"
        "from importlib import import_module\n"
        "for it in services.cli.SUBCOMMANDS.values(): import_module(it)\n"
        "from shared.runtime import tracing\n"
        "tracing.start('mithril-api', None)\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_where_somebody_does_a_process_says_which_it_is_and_samples_as_its_caller(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("OTEL_SERVICE_NAME", "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setattr(tracing, "spans", None)
    tracing.start("abac-api", "http://127.0.0.1:1")
    assert tracing.spans is not None
    provider = tracing.spans._provider
    assert provider.resource.attributes["service.name"] == "abac-api"
    assert isinstance(provider.sampler, ParentBased)
    assert vars(provider.sampler)["_root"].rate == 0.1
    tracing.stop()
