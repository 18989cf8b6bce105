"""How values are written in pages: moments, JSON, queries of links."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import jinja2
import orjson


def add_filters(environment: jinja2.Environment) -> None:
    """Give them to the templates."""
    environment.filters.update(
        moment=moment, iso=iso, json=json, query=query, twice=lambda text: (text, text)
    )


def moment(value: str | float) -> str:
    """A moment to the second, UTC, for people."""
    return f"{_read(value):%Y-%m-%d %H:%M:%S}"


def iso(value: str | float) -> str:
    """The same for machines."""
    return _read(value).isoformat()


def json(value: object) -> str:
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
