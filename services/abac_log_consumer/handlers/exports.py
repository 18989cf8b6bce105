"""Exports: every record that filters choose, as a file that streams.

The body is chunked and its end is sent only when all of it went, so a client that keeps to
HTTP tells a cut-off export from a whole one.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import TypeAlias, TypeVar
from uuid import UUID

from aiohttp import web

from services.abac_log_consumer.actions.export_entries import (
    Progress,
    begin_export,
    end_export,
    exported_decisions,
    exported_token_events,
)
from services.abac_log_consumer.domain import filters
from services.abac_log_consumer.domain.entries import Decision, TokenEvent
from services.abac_log_consumer.domain.export import DECISIONS, TOKEN_EVENTS, Format
from services.abac_log_consumer.domain.filters import Asked
from services.abac_log_consumer.domain.queries import Unfit
from services.abac_log_consumer.handlers.callers import EXPORT, auditor
from services.abac_log_consumer.handlers.keys import DEPS, EXPORTS
from services.abac_log_consumer.handlers.lists import fit, pairs_of
from shared.runtime import logging
from shared.runtime.http import META, note
from shared.runtime.postgres import Database, DatabaseUnavailableError

Entry = TypeVar("Entry", Decision, TokenEvent)
Read: TypeAlias = Callable[
    [Database, Asked], AbstractAsyncContextManager[AsyncIterator[list[Entry]]]
]

_log = logging.get("exports")


class _GoneError(Exception):
    """Whoever asked has left, or reads no more."""


async def get_decisions(request: web.Request) -> web.StreamResponse:
    """GET /api/abac_logs/export?format=ndjson|csv|fhir."""
    return await _export(
        request,
        operation="abac_logs_export",
        read_query=filters.decisions_exported,
        formats=DECISIONS,
        read=exported_decisions,
    )


async def get_token_events(request: web.Request) -> web.StreamResponse:
    """GET /api/token_logs/export?format=ndjson|csv."""
    return await _export(
        request,
        operation="token_logs_export",
        read_query=filters.token_events_exported,
        formats=TOKEN_EVENTS,
        read=exported_token_events,
    )


async def _export(
    request: web.Request,
    *,
    operation: str,
    read_query: Callable[[filters.Pairs], Asked | Unfit],
    formats: Mapping[str, Format[Entry]],
    read: Read[Entry],
) -> web.StreamResponse:
    asker = await auditor(request, scope=EXPORT)
    asked = fit(read_query(pairs_of(request)))
    deps, form = request.app[DEPS], formats[asked.form]
    async with request.app[EXPORTS].room() as db:
        export_id = await begin_export(deps, asked, asker=asker, operation=operation)
        response = _response(request, form, operation=operation, export_id=export_id)
        progress = Progress()
        failure: Exception | None = None
        try:
            async with read(db, asked) as batches:
                await _send(request, response, form, batches, progress)
            progress.complete = True
        except Exception as error:  # noqa: BLE001 — it is answered, or cuts the body off, below
            failure = error
        finally:
            failure = await _conclude(request, export_id, progress) or failure
    if failure is not None:
        if not response.prepared:
            raise failure  # nothing went: it is answered like any other failure
        _cut_off(request, failure)
    return response


def _response(
    request: web.Request, form: Format[Entry], *, operation: str, export_id: UUID
) -> web.StreamResponse:
    name = f"{operation.removesuffix('_export')}.{form.extension}"
    response = web.StreamResponse(
        headers={
            "Content-Type": form.content_type,
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
            "X-Request-ID": request[META].request_id,
            "X-Export-ID": str(export_id),
        }
    )
    response.enable_chunked_encoding()
    return response


async def _send(
    request: web.Request,
    response: web.StreamResponse,
    form: Format[Entry],
    batches: AsyncIterator[list[Entry]],
    progress: Progress,
) -> None:
    """Send what comes. The head goes with the first of it, once the query is known to run."""
    stall = request.app[DEPS].settings.export_stall_seconds
    async for batch in batches:
        if not response.prepared:
            await response.prepare(request)
            await _write(response, form.head, stall)
        await _write(response, form.lines(batch), stall)
        progress.rows += len(batch)
    if not response.prepared:
        await response.prepare(request)
        await _write(response, form.head, stall)


async def _write(response: web.StreamResponse, data: bytes, stall: float) -> None:
    try:
        async with asyncio.timeout(stall):
            await response.write(data)
    except (ConnectionError, TimeoutError) as error:
        raise _GoneError(type(error).__name__) from None


async def _conclude(
    request: web.Request, export_id: UUID, progress: Progress
) -> Exception | None:
    """Write down how it ended. Where that cannot be done it did not go well: the failure."""
    note(request, export_id=str(export_id), rows=progress.rows, complete=progress.complete)
    try:
        await end_export(request.app[DEPS], export_id, progress)
    except DatabaseUnavailableError as error:
        return error
    return None


def _cut_off(request: web.Request, error: Exception) -> None:
    """End the connection without the body's end: the head is gone, so nothing else can tell."""
    if not isinstance(error, _GoneError):
        _log.warning(
            "export cut off",
            request_id=request[META].request_id,
            error=type(error).__name__,
        )
    note(request, cut_off=str(error) or type(error).__name__)
    if request.transport is not None:
        request.transport.close()
