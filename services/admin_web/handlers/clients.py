"""Clients and their connections."""

from typing import Any

from aiohttp import web

from services.admin_web.handlers.asking import (
    ask,
    filters_of,
    get,
    id_of,
    page_number,
    together,
    told,
)
from services.admin_web.handlers.changes import shown_once
from services.admin_web.handlers.keys import NEIGHBOURS
from shared.peers.neighbour import Refused
from shared.runtime.pages import PAGES

_FILTERS = ("name", "id", "user_id", "is_blocked")


async def get_all(request: web.Request) -> web.StreamResponse:
    """GET /clients: search by name, id, owner, and whether blocked."""
    filters = filters_of(request, _FILTERS)
    query = {**filters, "page": str(page_number(request))}
    mithril = request.app[NEIGHBOURS].mithril
    reply = await ask(request, mithril, "GET", "/admin/clients", query=query)
    return request.app[PAGES].render(
        request,
        "clients.html",
        status=reply.status,
        filters=filters,
        wrong=told(reply) if isinstance(reply, Refused) else [],
        clients=[] if isinstance(reply, Refused) else reply.data,
        paging={} if isinstance(reply, Refused) else reply.paging,
    )


async def get_one(request: web.Request) -> web.StreamResponse:
    """GET /clients/{id}: what it is, and its connections."""
    path = f"/admin/clients/{id_of(request)}"
    mithril = request.app[NEIGHBOURS].mithril
    page = {"page": str(page_number(request))}
    client, connections = await together(
        get(request, mithril, path), get(request, mithril, f"{path}/connections", page)
    )
    return request.app[PAGES].render(
        request,
        "client.html",
        client=client.data,
        connections=connections.data,
        paging=connections.paging,
    )


async def get_connection(request: web.Request) -> web.StreamResponse:
    """GET /clients/{id}/connections/{connection_id}: with a secret just made, once."""
    connection, client = await together(
        get(request, request.app[NEIGHBOURS].mithril, connection_path(request)),
        get(request, request.app[NEIGHBOURS].mithril, f"/admin/clients/{id_of(request)}"),
    )
    secret: Any = shown_once(request)
    return request.app[PAGES].render(
        request,
        "connection.html",
        client=client.data,
        connection=connection.data,
        state=connection.urgent,
        secret=secret,
    )


def connection_path(request: web.Request) -> str:
    """Where mithril-api has the connection that a page is about."""
    connection_id = id_of(request, "connection_id")
    return f"/admin/clients/{id_of(request)}/connections/{connection_id}"
