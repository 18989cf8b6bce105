"""Where the next page of a list begins: an opaque text that works with its own query only.

It names the last record of a page, so records that arrive meanwhile shift nothing. A check
over the place and the filters tells a cursor that was cut, changed or taken elsewhere; it is
no secret, since whoever holds one may ask for every record of its list anyway.
"""

import base64
import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PLACE = struct.Struct(">q16s")
_CHECK = 8
_MOST = timedelta(days=365 * 1100) // timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A record's place in a list: newest first, and by id where moments are equal."""

    at: datetime
    id: UUID


def cursor_of(place: Place, *, query: Mapping[str, Any]) -> str:
    """The cursor that continues a query after a place."""
    micros = (place.at - _EPOCH) // timedelta(microseconds=1)
    packed = _PLACE.pack(micros, place.id.bytes)
    whole = packed + _check(packed, query)
    return base64.urlsafe_b64encode(whole).rstrip(b"=").decode()


def place_of(cursor: str, *, query: Mapping[str, Any]) -> Place | None:
    """The place a cursor names; none if it was not made by `cursor_of` for this query."""
    if not cursor.isascii() or len(cursor) != 43:
        return None
    try:
        whole = base64.b64decode(cursor + "=", altchars=b"-_", validate=True)
    except ValueError:
        return None
    packed, check = whole[: _PLACE.size], whole[_PLACE.size :]
    if check != _check(packed, query):
        return None
    micros, raw = _PLACE.unpack(packed)
    if not 0 <= micros <= _MOST:
        return None
    place = Place(at=_EPOCH + timedelta(microseconds=micros), id=UUID(bytes=raw))
    return place if cursor_of(place, query=query) == cursor else None  # spare bits changed


def _check(packed: bytes, query: Mapping[str, Any]) -> bytes:
    said = orjson.dumps(dict(query), option=orjson.OPT_SORT_KEYS, default=str)
    return hashlib.blake2s(packed + said, digest_size=_CHECK).digest()
