"""Routes for users and what hangs on them, with the scopes of the gateway table (spec §7.3)."""

from aiohttp import web

from services.mithril_api.handlers import (
    apps,
    factors,
    global_roles,
    user_actions,
    user_roles,
    user_tokens,
    users,
)
from services.mithril_api.handlers.callers import admin
from shared.runtime.http import Handler, as_aiohttp

_USER = "/admin/users/{user_id}"
_FACTOR = _USER + "/authentication_factors"
_FACTOR_READ, _FACTOR_WRITE = "authentication_factor:read", "authentication_factor:write"


def add_user_routes(app: web.Application) -> None:
    """What operators and the platform's services may do to users."""

    def add(method: str, path: str, handler: Handler, scope: str) -> None:
        guarded = as_aiohttp(admin(handler, scope=scope))
        app.router.add_route(method, path, guarded)

    add("GET", "/admin/users", users.get_all, "user:read")
    add("POST", "/admin/users", users.post, "user:write")
    add("GET", _USER, users.get_one, "user:read")
    add("PUT", _USER, users.put, "user:write")
    add("PATCH", _USER, users.put, "user:write")
    add("DELETE", _USER, users.delete, "user:delete")

    actions = _USER + "/actions"
    change_password = user_actions.patch_change_password
    add("PATCH", actions + "/change_password", change_password, "user:write")
    add("PATCH", actions + "/block", user_actions.patch_block, "user:block")
    add("PATCH", actions + "/unblock", user_actions.patch_unblock, "user:unblock")

    add("GET", "/admin/user_roles", user_roles.get_all, "user:read")
    add("DELETE", "/admin/users/roles/{id}", user_roles.delete_one, "user:delete")
    add("GET", _USER + "/roles", user_roles.get_of_user, "user:read")
    add("POST", _USER + "/roles", user_roles.post, "user:write")
    add("DELETE", _USER + "/roles", user_roles.delete_of_user, "user:delete")
    add("GET", _USER + "/roles/{id}", user_roles.get_one, "user:read")
    add("GET", _USER + "/global_roles", global_roles.get_all, "user:read")
    add("POST", _USER + "/global_roles", global_roles.post, "user:write")
    add("GET", _USER + "/global_roles/{id}", global_roles.get_one, "user:read")
    add("DELETE", _USER + "/global_roles/{id}", global_roles.delete, "user:delete")

    add("DELETE", _USER + "/tokens", user_tokens.delete_all, "user:delete")
    add("GET", _USER + "/apps", user_tokens.get_consents, "user:read")
    add("DELETE", _USER + "/apps", user_tokens.delete_consents, "user:delete")
    add("POST", _USER + "/tokens/access", user_tokens.post_access, "user:write")

    add("GET", _FACTOR, factors.get_all, _FACTOR_READ)
    add("POST", _FACTOR, factors.post, _FACTOR_WRITE)
    add("GET", _FACTOR + "/{id}", factors.get_one, _FACTOR_READ)
    add("PATCH", _FACTOR + "/{id}/actions/reset", factors.patch_reset, _FACTOR_WRITE)
    add("PATCH", _FACTOR + "/{id}/actions/disable", factors.patch_disable, _FACTOR_WRITE)
    add("PATCH", _FACTOR + "/{id}/actions/enable", factors.patch_enable, _FACTOR_WRITE)
    add("GET", "/admin/otps", factors.get_codes, _FACTOR_READ)

    # Guarded within: the caller is the user whose consents they are.
    app.router.add_get("/admin/apps", as_aiohttp(apps.get_all))
    app.router.add_post("/admin/apps", as_aiohttp(apps.post))
    app.router.add_get("/admin/apps/{id}", as_aiohttp(apps.get_one))
    app.router.add_put("/admin/apps/{id}", as_aiohttp(apps.put))
    app.router.add_patch("/admin/apps/{id}", as_aiohttp(apps.put))
    app.router.add_delete("/admin/apps/{id}", as_aiohttp(apps.delete))
