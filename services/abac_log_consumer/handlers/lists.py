"""Lists of the audit log, newest first, a page at a time."""

from typing import Any, TypeVar

from aiohttp import web

from services.abac_log_consumer.actions import list_entries
from services.abac_log_consumer.actions.list_entries import Page
from services.abac_log_consumer.domain import filters
from services.abac_log_consumer.domain.filters import Asked
from services.abac_log_consumer.domain.queries import Unfit
from services.abac_log_consumer.handlers.callers import (
    READ,
    auditor,
    patient_or_auditor,
)
from services.abac_log_consumer.handlers.keys import DEPS
from shared.wire.casting import parse_uuid
from shared.wire.envelope import Answer, CursorPage, validation_failed

Made = TypeVar("Made")

NO_STORE = {"Cache-Control": "no-store"}


async def get_decisions(request: web.Request) -> Answer:
    """GET /api/abac_logs: who asked for what of which patient, and what was decided."""
    asker = await auditor(request, scope=READ)
    asked = fit(filters.decisions(pairs_of(request)))
    page = await list_entries.list_decisions(
        request.app[DEPS], asked, asker=asker, operation="abac_logs"
    )
    return _answer(page, asked)


async def get_patient_access(request: web.Request) -> Answer:
    """GET /api/patients/{id}/access: who looked at one patient's data."""
    patient_id = parse_uuid(request.match_info["id"])
    asker = await patient_or_auditor(request, patient_id=patient_id)
    asked = fit(filters.of_a_patient(pairs_of(request), patient_id=patient_id))
    page = await list_entries.list_decisions(
        request.app[DEPS], asked, asker=asker, operation="patient_access"
    )
    return _answer(page, asked)


async def get_token_events(request: web.Request) -> Answer:
    """GET /api/token_logs: what became of tokens, users, clients and roles."""
    asker = await auditor(request, scope=READ)
    asked = fit(filters.token_events(pairs_of(request)))
    page = await list_entries.list_token_events(request.app[DEPS], asked, asker=asker)
    return _answer(page, asked)


async def get_audit_queries(request: web.Request) -> Answer:
    """GET /api/audit_queries: who read the audit log."""
    asker = await auditor(request, scope=READ)
    asked = fit(filters.audit_queries(pairs_of(request)))
    page = await list_entries.list_audit_queries(request.app[DEPS], asked, asker=asker)
    return _answer(page, asked)


def pairs_of(request: web.Request) -> list[tuple[str, str]]:
    """The query's parameters as they came, repeated ones too."""
    return list(request.query.items())


def fit(read: Made | Unfit) -> Made:
    """What was read; 422 that names every unfit parameter."""
    if isinstance(read, Unfit):
        raise validation_failed(read.fields)
    return read


def _answer(page: Page[Any], asked: Asked) -> Answer:
    paging = CursorPage(size=asked.page_size, next_cursor=page.next_cursor)
    data = [entry.rendered() for entry in page.entries]
    return Answer(data=data, paging=paging, headers=NO_STORE)
