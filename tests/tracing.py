"""Spans kept in memory, for tests that look at them."""

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from shared.runtime import tracing
from shared.runtime.spans import Spans

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER = f"00-{TRACE}-00f067aa0ba902b7-01"
UNSAMPLED = f"00-{TRACE}-00f067aa0ba902b7-00"


class Kept:
    """What was sent."""

    def __init__(self, exporter: InMemorySpanExporter) -> None:
        self._exporter = exporter

    def all(self) -> list[ReadableSpan]:
        return list(self._exporter.get_finished_spans())

    def of(self, trace_id: str) -> list[ReadableSpan]:
        """Those of a trace, in the order of their beginnings."""
        found = [it for it in self.all() if it.context.trace_id == int(trace_id, 16)]
        return sorted(found, key=lambda it: it.start_time or 0)

    def one(self, name: str, trace_id: str = TRACE) -> ReadableSpan:
        (found,) = (it for it in self.of(trace_id) if it.name == name)
        return found


def is_within(span: ReadableSpan, parent: ReadableSpan) -> bool:
    """Whether a span is a child of another."""
    return span.parent is not None and span.parent.span_id == parent.context.span_id


def kinds(spans: list[ReadableSpan]) -> set[SpanKind]:
    return {span.kind for span in spans}


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Iterator[Kept]:
    """Make spans during this test, all of them, and keep them."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "spans", Spans(provider))
    yield Kept(exporter)
    provider.shutdown()
