"""Every route of abac-api on one page."""

from aiohttp import web

from services.abac_api.handlers import authorize, authzen, facts
from services.abac_api.handlers.callers import internal
from shared.runtime.http import as_aiohttp


def add_public(app: web.Application) -> None:
    """What the platform's gateways call: decisions."""
    for path in ("/api/authorize", "/api/abac/authorize"):
        app.router.add_post(path, as_aiohttp(internal(authorize.post_authorize)))
    for path, handler in (
        ("/access/v1/evaluation", authzen.post_evaluation),
        ("/access/v1/evaluations", authzen.post_evaluations),
    ):
        app.router.add_post(path, as_aiohttp(authzen.authzen(internal(handler))))
    app.router.add_get(
        "/.well-known/authzen-configuration", as_aiohttp(authzen.get_configuration)
    )


def add_internal(app: web.Application) -> None:
    """What only the platform may call: facts."""
    fact = app.router.add_resource("/facts/{kind}/{id}")
    fact.add_route("PUT", as_aiohttp(internal(facts.put_fact)))
    fact.add_route("GET", as_aiohttp(internal(facts.get_fact)))
    fact.add_route("DELETE", as_aiohttp(internal(facts.delete_fact)))
