"""The auditors' pages: search with a timeline, one record with its proof, integrity."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from services.admin_web.charts import filled_days
from services.admin_web.domain.proof import proof_of
from services.admin_web.handlers.asking import (
    ask,
    filters_of,
    get,
    id_of,
    refuse,
    together,
    told,
)
from services.admin_web.handlers.keys import NEIGHBOURS, SETTINGS
from shared.models.access import Action
from shared.peers.neighbour import Refused
from shared.runtime.pages import PAGES

DECISION_FILTERS = (
    "patient_id",
    "user_id",
    "client_id",
    "mis_client_id",
    "rule",
    "result",
    "resource_type",
    "resource_id",
    "action",
    "request_id",
    "from",
    "to",
)
EVENT_FILTERS = ("user_id", "client_id", "type", "from", "to")
QUERY_FILTERS = ("user_id", "client_id", "from", "to")
_PAGE_SIZE = "50"


async def get_decisions(request: web.Request) -> web.StreamResponse:
    """GET /audit: decisions newest first, and how many were allowed and refused when."""
    filters = filters_of(request, DECISION_FILTERS)
    audit = request.app[NEIGHBOURS].audit
    page, summary = await together(
        ask(request, audit, "GET", "/api/abac_logs", query=_page(request, filters)),
        ask(request, audit, "GET", "/api/abac_logs/summary", query=filters),
    )
    refused = [reply for reply in (page, summary) if isinstance(reply, Refused)]
    wrong = list(dict.fromkeys(line for reply in refused for line in told(reply)))
    data: Any = None if isinstance(summary, Refused) else summary.data
    days = [] if data is None else filled_days(data["by_day"], data["from"], data["to"])
    return request.app[PAGES].render(
        request,
        "decisions.html",
        status=page.status,
        filters=filters,
        actions=[(str(action), str(action)) for action in Action],
        wrong=wrong,
        decisions=[] if isinstance(page, Refused) else page.data,
        older=None if isinstance(page, Refused) else _older(filters, page.paging),
        is_older="cursor" in request.query,
        summary=data,
        days=days,
        asked=urlencode(filters),
    )


async def get_decision(request: web.Request) -> web.StreamResponse:
    """GET /audit/{id}: the record, and its proof computed again."""
    audit = request.app[NEIGHBOURS].audit
    record = (await get(request, audit, f"/api/abac_logs/{id_of(request)}")).data
    keys = request.app[SETTINGS].audit_public_keys
    return request.app[PAGES].render(
        request,
        "decision.html",
        record=record,
        proof=proof_of(record, keys),
        has_keys=bool(keys),
    )


async def get_events(request: web.Request) -> web.StreamResponse:
    """GET /audit/accounts: token and account events, newest first."""
    return await _list(request, EVENT_FILTERS, "/api/token_logs", "events.html")


async def get_queries(request: web.Request) -> web.StreamResponse:
    """GET /audit/queries: who read the log."""
    return await _list(request, QUERY_FILTERS, "/api/audit_queries", "queries.html")


async def get_integrity(request: web.Request) -> web.StreamResponse:
    """GET /audit/integrity: chains, checkpoints, and what of each source is missing."""
    audit = request.app[NEIGHBOURS].audit
    data = (await get(request, audit, "/api/abac_logs/integrity")).data
    return request.app[PAGES].render(request, "integrity.html", integrity=data)


async def _list(
    request: web.Request, names: tuple[str, ...], path: str, template: str
) -> web.StreamResponse:
    filters = filters_of(request, names)
    audit = request.app[NEIGHBOURS].audit
    reply = await ask(request, audit, "GET", path, query=_page(request, filters))
    if isinstance(reply, Refused) and reply.status == 404:
        refuse(reply)
    return request.app[PAGES].render(
        request,
        template,
        status=reply.status,
        filters=filters,
        wrong=told(reply) if isinstance(reply, Refused) else [],
        entries=[] if isinstance(reply, Refused) else reply.data,
        older=None if isinstance(reply, Refused) else _older(filters, reply.paging),
        is_older="cursor" in request.query,
        asked=urlencode(filters),
    )


def _page(request: web.Request, filters: Mapping[str, str]) -> dict[str, str]:
    cursor = request.query.get("cursor")
    asked = {**filters, "page_size": _PAGE_SIZE}
    return asked if not cursor else {**asked, "cursor": cursor}


def _older(filters: Mapping[str, str], paging: Mapping[str, Any]) -> str | None:
    """The query of the next page, if there is one."""
    cursor = paging.get("next_cursor")
    return urlencode({**filters, "cursor": cursor}) if cursor else None
