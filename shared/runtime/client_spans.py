"""A span of each HTTP request that we make, and its trace passed on to whom we ask."""

from types import SimpleNamespace

import aiohttp
from opentelemetry import propagate, trace
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer


def client_trace_of(tracer: Tracer) -> aiohttp.TraceConfig:
    """What a session of aiohttp calls about each of its requests.

    Of the address, host and port alone: paths hold tokens and ids of people.
    """

    async def start(
        _: aiohttp.ClientSession,
        request: SimpleNamespace,
        params: aiohttp.TraceRequestStartParams,
    ) -> None:
        if not trace.get_current_span().get_span_context().is_valid:
            return  # nobody's work: a probe, or what a process does by itself
        attributes: dict[str, str | int] = {
            "http.request.method": params.method,
            "url.scheme": params.url.scheme,
            "server.address": params.url.host or "",
            "server.port": params.url.port or 0,
        }
        request.span = tracer.start_span(
            params.method, kind=SpanKind.CLIENT, attributes=attributes
        )
        propagate.inject(params.headers, trace.set_span_in_context(request.span))

    async def end(
        _: aiohttp.ClientSession,
        request: SimpleNamespace,
        params: aiohttp.TraceRequestEndParams,
    ) -> None:
        if (span := getattr(request, "span", None)) is None:
            return
        status = params.response.status
        span.set_attribute("http.response.status_code", status)
        if status >= 400:
            span.set_attribute("error.type", str(status))
            span.set_status(Status(StatusCode.ERROR))
        span.end()

    async def failed(
        _: aiohttp.ClientSession,
        request: SimpleNamespace,
        params: aiohttp.TraceRequestExceptionParams,
    ) -> None:
        if (span := getattr(request, "span", None)) is None:
            return
        span.set_attribute("error.type", type(params.exception).__qualname__)
        span.set_status(Status(StatusCode.ERROR))
        span.end()

    made = aiohttp.TraceConfig()
    made.on_request_start.append(start)
    made.on_request_end.append(end)
    made.on_request_exception.append(failed)
    return made
