"""Routes of the internal listener for clients, connections, tokens, client types and roles."""

from functools import partial

from aiohttp import web

from services.mithril_api.domain.scope_limits import Kind
from services.mithril_api.handlers import (
    api_keys,
    clients,
    connections,
    given_tokens,
    scope_limits,
    verification,
)
from services.mithril_api.handlers.callers import admin, internal
from shared.runtime.http import Handler, as_aiohttp


def add_client_routes(app: web.Application) -> None:
    """What operators and the platform's own services call; scopes as spec §7.3 names them."""
    for kind in Kind:
        _add_scope_limits(app, kind)
    _add_clients(app)
    _add_connections(app)
    _add_tokens(app)


def _add_scope_limits(app: web.Application, kind: Kind) -> None:
    many, one = f"/admin/{kind}s", f"/admin/{kind}s/{{id}}"
    read, write, delete = f"{kind}:read", f"{kind}:write", f"{kind}:delete"
    _add(app, "GET", many, partial(scope_limits.get_all, kind), scope=read)
    _add(app, "POST", many, partial(scope_limits.post, kind), scope=write)
    _add(app, "GET", one, partial(scope_limits.get_one, kind), scope=read)
    _add(app, "PUT PATCH", one, partial(scope_limits.put, kind), scope=write)
    _add(app, "DELETE", one, partial(scope_limits.delete, kind), scope=delete)


def _add_clients(app: web.Application) -> None:
    many, one = "/admin/clients", "/admin/clients/{id}"
    deactivate = f"{one}/actions/deactivate_tokens"
    _add(app, "GET", many, clients.get_all, scope="client:read")
    _add(app, "POST", many, clients.post, scope="client:write")
    _add(app, "GET", one, clients.get_one, scope="client:read")
    _add(app, "GET", f"{one}/details", clients.get_details, scope="client:read")
    _add(app, "PUT PATCH", one, clients.put, scope="client:write")
    _add(app, "DELETE", one, clients.delete, scope="client:delete")
    _add(app, "PATCH", deactivate, clients.patch_deactivate_tokens, scope="client:write")


def _add_connections(app: web.Application) -> None:
    many = "/admin/clients/{client_id}/connections"
    one = f"{many}/{{id}}"
    refresh = f"{one}/actions/refresh_secret"
    rotate = f"{one}/actions/rotate_secret"
    _add(app, "GET", many, connections.get_all, scope="client:read")
    _add(app, "PUT", many, connections.put, scope="client:write")
    _add(app, "GET", one, connections.get_one, scope="client:read")
    _add(app, "PATCH", one, connections.patch, scope="client:write")
    _add(app, "PATCH", refresh, connections.patch_refresh_secret, scope="client:write")
    _add(app, "PATCH", rotate, connections.patch_rotate_secret, scope="client:write")
    _add(app, "DELETE", one, connections.delete, scope="client:delete")


def _add_tokens(app: web.Application) -> None:
    many, one = "/admin/tokens", "/admin/tokens/{id}"
    _add(app, "GET", many, given_tokens.get_all, scope="token:read")
    _add(app, "POST", many, given_tokens.post, scope="token:write")
    _add(app, "DELETE", many, given_tokens.delete_of_users, scope="token:delete")
    _add(app, "GET", one, given_tokens.get_one, scope="token:read")
    _add(app, "PUT PATCH", one, given_tokens.put, scope="token:write")
    _add(app, "DELETE", one, given_tokens.delete, scope="token:delete")
    user = internal(verification.get_user)
    app.router.add_get("/admin/tokens/{value}/user", as_aiohttp(user))
    key = internal(api_keys.get_verify)
    app.router.add_get("/admin/api_key/{key}/verify", as_aiohttp(key))


def _add(
    app: web.Application, methods: str, path: str, handler: Handler, *, scope: str
) -> None:
    guarded = as_aiohttp(admin(handler, scope=scope))
    for method in methods.split():
        app.router.add_route(method, path, guarded)
