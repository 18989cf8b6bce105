"""Users: search, and one of them with all that hangs on the account."""

from typing import Any

from aiohttp import web

from services.admin_web.domain.menu import TOKENS_READ
from services.admin_web.handlers.asking import (
    ask,
    filters_of,
    get,
    id_of,
    page_number,
    together,
    told,
)
from services.admin_web.handlers.keys import NEIGHBOURS, VIEWER
from shared.peers.neighbour import Refused
from shared.runtime.pages import PAGES

_FILTERS = ("email", "tax_id", "id", "is_blocked")
_TOKENS_SHOWN = 50


async def get_all(request: web.Request) -> web.StreamResponse:
    """GET /users: search by e-mail, tax id, id, and whether blocked."""
    filters = filters_of(request, _FILTERS)
    query = {**filters, "page": str(page_number(request))}
    mithril = request.app[NEIGHBOURS].mithril
    reply = await ask(request, mithril, "GET", "/admin/users", query=query)
    wrong = told(reply) if isinstance(reply, Refused) else []
    return request.app[PAGES].render(
        request,
        "users.html",
        status=reply.status,
        filters=filters,
        wrong=wrong,
        users=[] if isinstance(reply, Refused) else reply.data,
        paging={} if isinstance(reply, Refused) else reply.paging,
    )


async def get_one(request: web.Request) -> web.StreamResponse:
    """GET /users/{id}: details, roles, factors, approvals, tokens; what the scope allows."""
    user_id, viewer = id_of(request), request[VIEWER]
    path = f"/admin/users/{user_id}"
    user = await _data(request, path)
    asked = {
        "roles": f"{path}/roles",
        "global_roles": f"{path}/global_roles",
        "approvals": f"{path}/apps",
    }
    if viewer.may("authentication_factor:read"):
        asked["factors"] = f"{path}/authentication_factors"
    if viewer.may(TOKENS_READ):
        asked["tokens"] = f"/admin/tokens?user_id={user_id}&page_size={_TOKENS_SHOWN}"
    parts = await together(*(_data(request, item) for item in asked.values()))
    return request.app[PAGES].render(request, "user.html", user=user, **_all(asked, parts))


def _all(asked: dict[str, str], parts: list[Any]) -> dict[str, Any]:
    nothing = dict.fromkeys(("factors", "tokens"))
    return {**nothing, **dict(zip(asked, parts, strict=True))}


async def _data(request: web.Request, path: str) -> Any:
    path, _, query = path.partition("?")
    pairs = dict(item.split("=", 1) for item in query.split("&") if item)
    return (await get(request, request.app[NEIGHBOURS].mithril, path, pairs)).data
