"""GET /breach-list/range/{prefix}: the range API, padded where that is asked for."""

import re

from aiohttp import web

from services.emulators.domain.breached import range_of
from services.emulators.handlers.keys import DEPS
from shared.wire.envelope import bad_request

_PREFIX = re.compile(r"^[0-9A-Fa-f]{5}\Z")
_LINES = 100


async def get_range(request: web.Request) -> web.Response:
    """A line for each known password whose SHA-1 begins so; padding counts 0."""
    prefix = request.match_info["prefix"]
    if _PREFIX.match(prefix) is None:
        raise bad_request("The hash prefix was not in a valid format")
    lines = list(range_of(prefix))
    if request.headers.get("Add-Padding") == "true":
        entropy = request.app[DEPS].entropy
        lines += [f"{entropy.bits(140):035X}:0" for _ in range(_LINES - len(lines))]
    return web.Response(text="\r\n".join(sorted(lines)))
