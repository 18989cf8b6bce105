"""Structured logs: one JSON object a line on standard output; for people, on a terminal."""

import logging
import sys
from datetime import UTC, datetime
from typing import Any

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from shared.runtime import tracing

_LEVELS = {"warn": "warning", "exception": "error"}


def _add_trace(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    for name, value in tracing.log_fields().items():
        event.setdefault(name, value)
    return event


def _as_json_text(_: WrappedLogger, __: str, event: EventDict) -> str:
    return orjson.dumps(event, default=str).decode()


def _line_of(service: str) -> Processor:
    """All that makes a line, in one step: every request writes one."""

    def line(logger: WrappedLogger, method: str, event: EventDict) -> bytes:
        event["level"] = _LEVELS.get(method, method)
        event["timestamp"] = datetime.now(UTC)
        event["service"] = service
        _add_trace(logger, method, event)
        if "exc_info" in event:
            event = structlog.processors.format_exc_info(logger, method, event)
        return orjson.dumps(event, default=str, option=orjson.OPT_UTC_Z)

    return line


def configure(
    *, service: str, level: str, human: bool | None = None, for_good: bool = False
) -> None:
    """Set up structlog, and the standard library's logging beneath it, for this process.

    Libraries log through `logging`; their records come out in the same shape. Nothing below
    WARNING of theirs is kept: their INFO lines carry addresses and statements. `for_good`:
    nobody configures again, so each logger may keep what it found at its first line.
    """
    human = sys.stdout.isatty() if human is None else human

    def name_service(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event["service"] = service
        return event

    common: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        name_service,
        _add_trace,
        structlog.processors.format_exc_info,
    ]
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=(
            [*common, structlog.dev.ConsoleRenderer()] if human else [_line_of(service)]
        ),
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=(
            structlog.PrintLoggerFactory() if human else structlog.BytesLoggerFactory()
        ),
        cache_logger_on_first_use=for_good,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *common],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.dev.ConsoleRenderer() if human else _as_json_text,
            ],
        )
    )
    # What it reports are requests that do not parse, quoted whole; protocol.py tells of them.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(number, logging.WARNING))


def get(name: str, **bound: Any) -> structlog.typing.FilteringBoundLogger:
    """A logger whose lines say which part of the process they come from."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(part=name, **bound)
    return logger
