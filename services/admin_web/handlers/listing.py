"""Short lists that a form offers to choose from: roles and client types."""

from typing import Any

from aiohttp import web

from services.admin_web.handlers.asking import get
from services.admin_web.handlers.keys import NEIGHBOURS

_MOST_PAGES = 20


async def every(request: web.Request, path: str) -> list[dict[str, Any]]:
    """All entries of a list of mithril-api, page by page, up to a thousand."""
    mithril = request.app[NEIGHBOURS].mithril
    found: list[dict[str, Any]] = []
    page = pages = 1
    while page <= min(pages, _MOST_PAGES):
        reply = await get(request, mithril, path, {"page": str(page)})
        found += reply.data
        pages, page = int(reply.paging.get("total_pages", 1)), page + 1
    return found
