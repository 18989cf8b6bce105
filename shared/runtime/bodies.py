"""Reading JSON bodies: what is no JSON object is refused before anything looks at it."""

import asyncio
from typing import Any

import orjson
from aiohttp import web

from shared.wire.envelope import Problem, malformed

BODY_LIMIT = 64 * 1024
_BODY_SECONDS = 20  # a body of that size that takes longer is a hand on our throat


async def read_object(request: web.Request) -> dict[str, Any]:
    """The JSON object of a request's body; 400, 413 or 415 where there is none.

    NUL and lone surrogates are refused here: PostgreSQL has no text with the former, UTF-8
    has none with the latter.
    """
    raw = await read_bytes(request)
    if not raw:
        raise malformed()
    if request.content_type != "application/json":
        raise Problem(415, "content_type_invalid", "Content-Type must be application/json.")
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise malformed() from None
    if not isinstance(value, dict):
        raise malformed()
    if b"\\u0000" in raw and _has_nul(value):
        raise malformed()
    return value


async def read_bytes(request: web.Request) -> bytes:
    """A request's body, of whatever type; 408 or 413 where it is too slow or too long."""
    if (request.content_length or 0) > BODY_LIMIT:
        raise web.HTTPRequestEntityTooLarge(BODY_LIMIT, request.content_length or 0)
    # Most bodies came with the head: no clock need be set for those.
    return await (request.read() if request.content.is_eof() else _arriving(request))


async def _arriving(request: web.Request) -> bytes:
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            return await request.read()
    except TimeoutError:
        headers = {"Connection": "close"}
        text = f"The body did not arrive within {_BODY_SECONDS} seconds."
        raise Problem(408, "request_timeout", text, headers=headers) from None


async def read_wrapped(request: web.Request, wrapper: str) -> dict[str, Any]:
    """The object under the wrapper key; MALFORMED where it is missing or no object."""
    value = (await read_object(request)).get(wrapper)
    if not isinstance(value, dict):
        raise malformed()
    return value


def _has_nul(value: object) -> bool:
    """Whether a NUL is anywhere in it; a loop, for nesting may be deeper than our stack."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            if "\x00" in item:
                return True
        elif isinstance(item, dict):
            waiting += item.keys()
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item
    return False
