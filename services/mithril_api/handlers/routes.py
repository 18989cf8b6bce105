"""Every route of mithril-api on one page."""

from aiohttp import web

from services.mithril_api.handlers import (
    account,
    consent,
    login,
    own_factors,
    second_factors,
    tokens,
    verification,
    verifications,
)
from services.mithril_api.handlers.callers import internal
from services.mithril_api.handlers.routes_clients import add_client_routes
from services.mithril_api.handlers.routes_people import add_people_routes
from services.mithril_api.handlers.routes_users import add_user_routes
from shared.runtime.http import as_aiohttp


def add_public(app: web.Application) -> None:
    """What MSP systems and browsers' back ends call."""
    post = app.router.add_post
    post("/auth/login", as_aiohttp(login.post_login))
    post("/auth/logout", as_aiohttp(login.post_logout))
    post("/oauth/tokens", as_aiohttp(tokens.post_tokens))
    post("/oauth/apps/authorize", as_aiohttp(consent.post_authorize))
    app.router.add_get("/oauth/user", as_aiohttp(account.get_user))
    update_password = account.post_update_password
    post("/oauth/users/actions/update_password", as_aiohttp(update_password))
    _add_factors(app)
    add_people_routes(app)


def add_internal(app: web.Application) -> None:
    """What only the platform may call."""
    verify = internal(verification.get_verify)
    app.router.add_get("/admin/tokens/{value}/verify", as_aiohttp(verify))
    verify_many = internal(verifications.post_verify)
    app.router.add_post("/admin/tokens/verify", as_aiohttp(verify_many))
    add_user_routes(app)
    add_client_routes(app)


def _add_factors(app: web.Application) -> None:
    post = app.router.add_post
    options = second_factors.post_webauthn_options
    post("/oauth/users/actions/webauthn_options", as_aiohttp(options))
    post("/oauth/users/actions/init_factor", as_aiohttp(own_factors.post_init))
    post("/oauth/users/actions/approve_factor", as_aiohttp(own_factors.post_approve))
    app.router.add_get("/oauth/user/factors", as_aiohttp(own_factors.get_all))
    app.router.add_delete("/oauth/user/factors/{id}", as_aiohttp(own_factors.delete))
