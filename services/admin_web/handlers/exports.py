"""Exports of the audit log, passed through as they come."""

import asyncio
from collections.abc import Mapping

from aiohttp import ClientError, StreamReader, web

from services.admin_web.handlers.asking import filters_of, refuse
from services.admin_web.handlers.audit import DECISION_FILTERS, EVENT_FILTERS
from services.admin_web.handlers.keys import NEIGHBOURS, VIEWER
from services.admin_web.handlers.viewers import Handler
from shared.peers.neighbour import NeighbourAwayError, Refused
from shared.runtime.http import META, note
from shared.runtime.pages import PageError

_PASSED = ("Content-Type", "Content-Disposition", "X-Export-ID")
_STALL_SECONDS = 30.0  # a reader or a source that stands still for so long is gone


def export_of(path: str, names: tuple[str, ...]) -> Handler:
    """A page of ours that is a file of abac-log-consumer."""

    async def get_export(request: web.Request) -> web.StreamResponse:
        query = filters_of(request, (*names, "format"))
        neighbour = request.app[NEIGHBOURS].audit
        headers = {"X-Request-ID": request[META].request_id}
        try:
            async with neighbour.stream(
                path, bearer=request[VIEWER].bearer, query=query, headers=headers
            ) as source:
                if isinstance(source, Refused):
                    refuse(source)
                response = _head(source.headers)
                await response.prepare(request)
                await _pass(request, source.content, response)
        except NeighbourAwayError as error:
            note(request, unavailable=str(error))
            raise PageError(503, "neighbour_away", neighbour=error.name) from None
        return response

    return get_export


def _head(headers: Mapping[str, str]) -> web.StreamResponse:
    response = web.StreamResponse(
        headers={
            **{name: headers[name] for name in _PASSED if name in headers},
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        }
    )
    response.enable_chunked_encoding()
    return response


async def _pass(
    request: web.Request, source: StreamReader, response: web.StreamResponse
) -> None:
    """Piece by piece; where the source is cut, ours is, so that nobody takes it for whole."""
    try:
        while True:
            async with asyncio.timeout(_STALL_SECONDS):
                piece = await source.readany()
                if not piece:
                    return
                await response.write(piece)
    except (ClientError, OSError, TimeoutError) as error:
        note(request, cut_off=type(error).__name__)
        if request.transport is not None:
            request.transport.close()


get_decisions = export_of("/api/abac_logs/export", DECISION_FILTERS)
get_events = export_of("/api/token_logs/export", EVENT_FILTERS)
