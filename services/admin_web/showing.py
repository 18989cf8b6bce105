"""How values are written in pages: moments, JSON, queries of links."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import orjson


def helpers() -> Mapping[str, Callable[..., Any]]:
    """What templates call."""
    return {"shown": shown, "iso": iso, "as_json": as_json, "query": query}


def shown(value: str | float) -> str:
    """A moment to the second, UTC, for people."""
    return f"{_read(value):%Y-%m-%d %H:%M:%S}"


def iso(value: str | float) -> str:
    """The same for machines."""
    return _read(value).isoformat()


def as_json(value: object) -> str:
    """JSON in one line."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def query(filters: Mapping[str, Any], /, **but: Any) -> str:
    """A query string of filters and what is added to them."""
    return urlencode({**filters, **but})


def _read(value: str | float) -> datetime:
    """mithril-api writes moments without a zone, and ends of tokens as seconds; all are UTC."""
    if isinstance(value, (int, float)):
        return datetime.fromtimestamp(value, UTC)
    read = datetime.fromisoformat(value)
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
