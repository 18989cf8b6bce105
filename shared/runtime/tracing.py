"""W3C trace context: which trace the work at hand belongs to."""

import re
from contextvars import ContextVar

_TRACEPARENT = re.compile(r"^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}\Z")
_ALL_ZERO_TRACE = "0" * 32

current: ContextVar[str | None] = ContextVar("traceparent", default=None)


def accepted(header: str | None) -> str | None:
    """The header if it is a valid `traceparent` (W3C Trace Context §3.2), else nothing."""
    if header is None:
        return None
    match = _TRACEPARENT.match(header)
    if match is None or match.group(1) == _ALL_ZERO_TRACE:
        return None
    return header


def trace_id() -> str | None:
    """The trace id of the work at hand, if its caller sent one."""
    value = current.get()
    return None if value is None else value[3:35]
