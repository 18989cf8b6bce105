"""Spans of OpenTelemetry: of requests, batches, statements, and records of Kafka.

Names and attributes are those of the semantic conventions. None is a path, a query string, a
body, a parameter of SQL, a record's key or an error's text: those hold tokens and people.
Imported only where spans are wanted (see `tracing`).
"""

import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any
from uuid import UUID

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
)

from shared.runtime import tracing
from shared.runtime.client_spans import client_trace_of
from shared.runtime.statement_spans import Statements

_MOST_LINKS = 128  # what collectors take by default
_CLOSE_SECONDS = 3.0


class Spans:
    """Makes spans and passes them to a provider."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("mithril")
        self.statements = Statements(self._tracer)

    def close(self) -> None:
        """Send what is left, for at most a few seconds: a pod that ends has no more."""
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        closing.join(_CLOSE_SECONDS)

    def here(self) -> Span | None:
        """The span of the work at hand, if it is to be sent."""
        span = trace.get_current_span()
        return span if span.get_span_context().trace_flags.sampled else None

    def client_trace(self) -> Any:
        """What an HTTP session calls about each of its requests."""
        return client_trace_of(self._tracer)

    @contextmanager
    def request(self, *, method: str, route: str, scheme: str) -> Iterator[Span]:
        """While a request is answered; its caller's trace is `tracing.current`."""
        span = self._tracer.start_span(
            f"{method} {route}",
            context=_context_of(tracing.current.get()),
            kind=SpanKind.SERVER,
            attributes={
                "http.request.method": method,
                "http.route": route,
                "url.scheme": scheme,
            },
        )
        with _inside(span):
            yield span

    @staticmethod
    def answered(span: Span, status: int) -> None:
        """Note how a request was answered."""
        span.set_attribute("http.response.status_code", status)
        if status >= 500:
            span.set_attribute("error.type", str(status))
            span.set_status(Status(StatusCode.ERROR))

    @contextmanager
    def batch(self, name: str, askers: Sequence[Span | None]) -> Iterator[None]:
        """While a batch is answered: in the trace of its first request, linked with the rest."""
        asked = [span for span in askers if span is not None]
        if not asked:
            yield
            return
        first, others = asked[0], asked[1:]
        span = self._tracer.start_span(
            f"batch {name}",
            context=trace.set_span_in_context(first, Context()),
            links=[Link(other.get_span_context()) for other in others[:_MOST_LINKS]],
            attributes={"mithril.batch.size": len(askers)},
        )
        for other in others:
            other.add_link(span.get_span_context())
        with _inside(span):
            yield

    @contextmanager
    def work(self, name: str) -> Iterator[None]:
        """While something is done that nobody asked for."""
        with _inside(self._tracer.start_span(name, context=Context())):
            yield

    @contextmanager
    def sending(self, rows: Sequence[Any]) -> Iterator[Mapping[UUID, str]]:
        """A producer span for each row whose request was sampled; ended when all are sent."""
        hops: dict[UUID, str] = {}
        with ExitStack() as stack:
            for row in rows:
                parent = _remote(row["traceparent"])
                if parent is None or not parent.trace_flags.sampled:
                    continue
                span = self._tracer.start_span(
                    f"send {row['aggregatetype']}",
                    context=_context_of(row["traceparent"]),
                    kind=SpanKind.PRODUCER,
                    attributes={
                        **_kafka(row["aggregatetype"], "send"),
                        "messaging.message.id": str(row["id"]),
                    },
                )
                stack.enter_context(_ended(span))
                hops[row["id"]] = _traceparent(span)
            yield hops

    @contextmanager
    def consuming(
        self, records: Iterable[tuple[str, Sequence[tuple[str, bytes]]]], *, group: str
    ) -> Iterator[None]:
        """A consumer span in the trace of each sampled record.

        What is done for one record alone is in its trace; what is done for several at once is
        in a trace of its own, linked with theirs.
        """
        with ExitStack() as stack:
            opened = [
                stack.enter_context(_ended(span))
                for span in self._consumer_spans(records, group)
            ]
            if len(opened) == 1:
                stack.enter_context(_current(opened[0]))
            elif opened:
                links = [Link(it.get_span_context()) for it in opened[:_MOST_LINKS]]
                span = self._tracer.start_span(
                    "process batch", context=Context(), links=links
                )
                stack.enter_context(_inside(span))
            yield

    def _consumer_spans(
        self, records: Iterable[tuple[str, Sequence[tuple[str, bytes]]]], group: str
    ) -> Iterator[Span]:
        for topic, headers in records:
            sent = next((raw for name, raw in headers if name == "traceparent"), b"")
            text = tracing.accepted(sent.decode("ascii", "replace"))
            parent = _remote(text)
            if parent is None or not parent.trace_flags.sampled:
                continue
            yield self._tracer.start_span(
                f"process {topic}",
                context=_context_of(text),
                kind=SpanKind.CONSUMER,
                attributes={
                    **_kafka(topic, "process"),
                    "messaging.consumer.group.name": group,
                },
            )


def _kafka(topic: str, operation: str) -> dict[str, str]:
    return {
        "messaging.system": "kafka",
        "messaging.destination.name": topic,
        "messaging.operation.name": operation,
        "messaging.operation.type": operation,
    }


@contextmanager
def _inside(span: Span) -> Iterator[None]:
    """The span is that of the work at hand, and ends with it."""
    with _ended(span), _current(span):
        yield


@contextmanager
def _ended(span: Span) -> Iterator[Span]:
    """The span ends with the work; it says what kind of error ended it, not its text."""
    try:
        yield span
    except BaseException as error:
        span.set_attribute("error.type", type(error).__qualname__)
        span.set_status(Status(StatusCode.ERROR))
        raise
    finally:
        span.end(time.time_ns())


@contextmanager
def _current(span: Span) -> Iterator[None]:
    attached = contexts.attach(trace.set_span_in_context(span))
    told = tracing.current.set(_traceparent(span))
    try:
        yield
    finally:
        tracing.current.reset(told)
        contexts.detach(attached)


def _traceparent(span: Span) -> str:
    ours = span.get_span_context()
    return f"00-{ours.trace_id:032x}-{ours.span_id:016x}-{ours.trace_flags:02x}"


def _remote(traceparent: str | None) -> SpanContext | None:
    if traceparent is None:
        return None
    return SpanContext(
        trace_id=int(traceparent[3:35], 16),
        span_id=int(traceparent[36:52], 16),
        is_remote=True,
        trace_flags=TraceFlags(int(traceparent[53:55], 16)),
    )


def _context_of(traceparent: str | None) -> Context:
    parent = _remote(traceparent)
    if parent is None:
        return Context()
    return trace.set_span_in_context(NonRecordingSpan(parent), Context())
