"""W3C trace context: which trace the work at hand belongs to; and spans, where they are wanted.

Spans are made only where `OTEL_EXPORTER_OTLP_ENDPOINT` is set: until `start`, OpenTelemetry is
not even imported, and each place that could make a span asks one variable.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from uuid import UUID

import aiohttp

if TYPE_CHECKING:
    from shared.runtime.spans import Spans

_TRACEPARENT = re.compile(r"^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}\Z")
_ALL_ZERO_TRACE = "0" * 32

current: ContextVar[str | None] = ContextVar("traceparent", default=None)
spans: "Spans | None" = None  # none: nobody collects them


def accepted(header: str | None) -> str | None:
    """The header if it is a valid `traceparent` (W3C Trace Context §3.2), else nothing."""
    if header is None:
        return None
    match = _TRACEPARENT.match(header)
    if match is None or match.group(1) == _ALL_ZERO_TRACE:
        return None
    return header


def trace_id() -> str | None:
    """The trace id of the work at hand, if its caller sent one or spans are made."""
    value = current.get()
    return None if value is None else value[3:35]


def log_fields() -> Mapping[str, str]:
    """What a log line says of the trace: its id, and that of our own span where there is one."""
    value = current.get()
    if value is None:
        return {}
    if spans is None:  # the span is our caller's
        return {"trace_id": value[3:35]}
    return {"trace_id": value[3:35], "span_id": value[36:52]}


def start(service: str, endpoint: str | None) -> None:
    """Make spans from now on, if there is an endpoint to send them to."""
    global spans  # noqa: PLW0603 — as the log: one a process, set at its start
    if endpoint:
        from shared.runtime.exporting import exported  # noqa: PLC0415 — see above

        spans = exported(service)


def stop() -> None:
    """Send what is left, as far as that goes quickly."""
    if spans is not None:
        spans.close()


def consuming(
    records: Iterable[tuple[str, Sequence[tuple[str, bytes]]]], *, group: str
) -> AbstractContextManager[None]:
    """While records are consumed (topic and headers of each): a span in the trace of each."""
    return nullcontext() if spans is None else spans.consuming(records, group=group)


def sending(rows: Sequence[Any]) -> AbstractContextManager[Mapping[UUID, str]]:
    """While rows of the outbox are sent: a span each, whose `traceparent` travels with it."""
    return nullcontext({}) if spans is None else spans.sending(rows)


def batch(name: str, askers: Sequence[Any]) -> AbstractContextManager[None]:
    """While a batch is answered: one span, linked to those of its requests."""
    return nullcontext() if spans is None else spans.batch(name, askers)


def work(name: str) -> AbstractContextManager[None]:
    """While something is done that nobody asked for: a trace of its own."""
    return nullcontext() if spans is None else spans.work(name)


def client_traces() -> list[aiohttp.TraceConfig]:
    """What an HTTP session needs, to make a span of each request and pass the trace on."""
    return [] if spans is None else [spans.client_trace()]
