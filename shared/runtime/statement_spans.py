"""A span of each SQL statement, whichever way it goes to the driver.

By the hooks that the driver and SQLAlchemy offer: asyncpg tells of its own calls and not of
statements prepared beforehand, which is how SQLAlchemy sends all of its.
"""

import re
import time
from typing import Any
from urllib.parse import urlsplit

import asyncpg
from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer
from sqlalchemy import Engine, event

_STARTED = "mithril statement started"
_FIRST_WORD = re.compile(r"(?:--[^\n]*\n|\s)*(\w+)")  # after comments
_LONGEST = 2000  # characters of a statement


class Statements:
    """Makes a client span of each statement within a span that is to be sent."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def watch_driver(self, conn: asyncpg.Connection) -> None:
        """Tell of what is sent by the driver's own methods."""
        conn.add_query_logger(self._logged)

    def watch_engine(self, engine: Engine, url: str) -> None:
        """Tell of what SQLAlchemy sends."""
        database = urlsplit(url).path.removeprefix("/")

        def before(conn: Any, *_: object) -> None:
            conn.info[_STARTED] = time.time_ns()

        def after(conn: Any, _: object, statement: str, *__: object) -> None:
            self._tell(statement, database, conn.info.pop(_STARTED), None)

        def failed(error: Any) -> None:
            started = error.connection and error.connection.info.pop(_STARTED, None)
            if started and error.statement is not None:
                self._tell(error.statement, database, started, error.original_exception)

        event.listen(engine, "before_cursor_execute", before)
        event.listen(engine, "after_cursor_execute", after)
        event.listen(engine, "handle_error", failed)

    def _logged(self, record: Any) -> None:
        started = time.time_ns() - int(record.elapsed * 1e9)
        database = record.conn_params.database
        self._tell(record.query, database, started, record.exception)

    def _tell(
        self, statement: str, database: str, started: int, error: BaseException | None
    ) -> None:
        """The statement only: what it was given are people and digests."""
        if not trace.get_current_span().get_span_context().trace_flags.sampled:
            return
        first = _FIRST_WORD.match(statement)
        operation = "SQL" if first is None else first[1].upper()
        span = self._tracer.start_span(
            f"{operation} {database}",
            kind=SpanKind.CLIENT,
            start_time=started,
            attributes={
                "db.system.name": "postgresql",
                "db.namespace": database,
                "db.operation.name": operation,
                "db.query.text": " ".join(statement.split())[:_LONGEST],
            },
        )
        if error is not None:
            state = getattr(error, "sqlstate", None)
            span.set_attribute("error.type", state or type(error).__qualname__)
            span.set_status(Status(StatusCode.ERROR))
        span.end()
