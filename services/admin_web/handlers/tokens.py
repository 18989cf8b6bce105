"""Tokens: found by whose they are or by id, never by value; revoked."""

from aiohttp import web

from services.admin_web.handlers.asking import (
    ask,
    filters_of,
    get,
    id_of,
    page_number,
    told,
)
from services.admin_web.handlers.changes import (
    Change,
    Done,
    Proposal,
)
from services.admin_web.handlers.keys import NEIGHBOURS
from shared.models.tokens import TokenName
from shared.peers.neighbour import Refused
from shared.runtime.pages import PAGES, see_other
from shared.wire.casting import is_uuid

_FILTERS = ("user_id", "client_id", "name")


async def get_all(request: web.Request) -> web.StreamResponse:
    """GET /tokens: those of a user, of a client, of a kind; an id leads to its page."""
    token_id = request.query.get("id", "").strip()
    if is_uuid(token_id):
        return see_other(f"/tokens/{token_id.lower()}")
    filters = filters_of(request, _FILTERS)
    query = {**filters, "page": str(page_number(request))}
    mithril = request.app[NEIGHBOURS].mithril
    reply = await ask(request, mithril, "GET", "/admin/tokens", query=query)
    wrong = told(reply) if isinstance(reply, Refused) else []
    if token_id:
        wrong = [*wrong, "id: is invalid"]
        filters = {**filters, "id": token_id}
    return request.app[PAGES].render(
        request,
        "tokens.html",
        status=422 if wrong else 200,
        filters=filters,
        names=[(str(name), str(name)) for name in TokenName],
        wrong=wrong,
        tokens=[] if isinstance(reply, Refused) else reply.data,
        paging={} if isinstance(reply, Refused) else reply.paging,
    )


async def get_one(request: web.Request) -> web.StreamResponse:
    """GET /tokens/{id}."""
    mithril = request.app[NEIGHBOURS].mithril
    token = (await get(request, mithril, f"/admin/tokens/{id_of(request)}")).data
    return request.app[PAGES].render(request, "token.html", token=token)


class RevokeToken(Change):
    """End one token."""

    scope = "token:delete"

    async def propose(self, request: web.Request) -> Proposal:
        """Say which."""
        mithril = request.app[NEIGHBOURS].mithril
        token = (await get(request, mithril, f"/admin/tokens/{id_of(request)}")).data
        return Proposal(
            title="Revoke a token",
            subject=f"{token['name']} {token['id']}",
            says=["It stops working at once, and is gone from the list."],
            button="Revoke the token",
            back=f"/tokens/{token['id']}",
            danger=True,
        )

    async def make(self, request: web.Request) -> Done | Refused:
        """DELETE /admin/tokens/{id}; back to the tokens of the same user."""
        mithril = request.app[NEIGHBOURS].mithril
        path = f"/admin/tokens/{id_of(request)}"
        token = (await get(request, mithril, path)).data
        reply = await ask(request, mithril, "DELETE", path)
        if isinstance(reply, Refused):
            return reply
        location = f"/tokens?user_id={token['user_id']}"
        return Done(location=location, message="The token is revoked.")
