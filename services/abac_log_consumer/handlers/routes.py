"""Every route of abac-log-consumer on one page."""

from aiohttp import web

from services.abac_log_consumer.deps import Deps
from services.abac_log_consumer.handlers import keys


def add_public(app: web.Application, deps: Deps) -> None:
    """What auditors call."""
    app[keys.DEPS] = deps


def add_internal(app: web.Application, deps: Deps) -> None:
    """What only the platform may call, beside the probes."""
    app[keys.DEPS] = deps
