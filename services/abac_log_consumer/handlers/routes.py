"""Every route of abac-log-consumer on one page."""

from aiohttp import web

from services.abac_log_consumer.deps import Deps
from services.abac_log_consumer.handlers import decisions, exports, keys, lists
from shared.runtime.http import as_aiohttp


def add_public(app: web.Application, deps: Deps) -> None:
    """What auditors call, and patients about themselves."""
    app[keys.DEPS] = deps
    get = app.router.add_get
    get("/api/abac_logs", as_aiohttp(lists.get_decisions))
    get("/api/abac_logs/summary", as_aiohttp(decisions.get_summary))
    get("/api/abac_logs/integrity", as_aiohttp(decisions.get_integrity))
    get("/api/abac_logs/export", as_aiohttp(exports.get_decisions), allow_head=False)
    get("/api/abac_logs/{id}", as_aiohttp(decisions.get_decision))
    get("/api/token_logs", as_aiohttp(lists.get_token_events))
    get("/api/token_logs/export", as_aiohttp(exports.get_token_events), allow_head=False)
    get("/api/audit_queries", as_aiohttp(lists.get_audit_queries))
    get("/api/patients/{id}/access", as_aiohttp(lists.get_patient_access))


def add_internal(app: web.Application, deps: Deps) -> None:
    """What only the platform may call, beside the probes."""
    app[keys.DEPS] = deps
