"""Routes of the standards, beside those of the eHealth contract."""

from aiohttp import web

from services.mithril_api.domain.oauth2.client_metadata import BY_CERTIFICATE, Method
from services.mithril_api.domain.oauth2.metadata import Abilities
from services.mithril_api.handlers import signing_keys
from services.mithril_api.handlers.callers import internal
from services.mithril_api.handlers.keys import DEPS
from services.mithril_api.handlers.oauth2 import (
    authorize,
    devices,
    discovery,
    introspection,
    logout,
    par,
    registration,
    revocation,
    token,
    userinfo,
    waiting,
)
from services.mithril_api.handlers.oauth2.answers import (
    Handler,
    as_oauth,
    as_page,
    preflight,
)
from services.mithril_api.handlers.oauth2.discovery import ABILITIES
from services.mithril_api.handlers.oauth2.proofs import with_nonce
from shared.runtime.http import as_aiohttp


def add_public(app: web.Application) -> None:
    """What clients and browsers call."""
    for name in ("oauth-authorization-server", "openid-configuration"):
        _add(app, "GET", f"/.well-known/{name}", discovery.get_metadata)
    _add(app, "GET", "/oauth2/jwks", discovery.get_jwks)
    _add(app, "GET", "/oauth2/userinfo", userinfo.get_userinfo)
    app.router.add_post("/oauth2/userinfo", as_oauth(userinfo.post_userinfo))
    app.router.add_get("/oauth2/authorize", as_page(authorize.get_authorize))
    app.router.add_post("/oauth2/authorize", as_page(authorize.post_authorize))
    app.router.add_get("/oauth2/logout", as_page(logout.get_logout))
    app.router.add_post("/oauth2/logout", as_page(logout.post_logout))
    _add(app, "POST", "/oauth2/par", with_nonce(par.post_par))
    device = devices.post_device_authorization
    _add(app, "POST", "/oauth2/device_authorization", with_nonce(device))
    app.router.add_post("/oauth/device/preview", as_aiohttp(devices.post_preview))
    app.router.add_post("/oauth/device/answer", as_aiohttp(devices.post_answer))
    _add(app, "POST", "/oauth2/token", with_nonce(token.post_token))
    _add(app, "POST", "/oauth2/introspect", introspection.post_introspect)
    if app[DEPS].settings.dynamic_registration != "off":
        _add_registration(app)
    _add(app, "POST", "/oauth2/revoke", revocation.post_revoke)
    app[ABILITIES] = _abilities(app)


def add_internal(app: web.Application) -> None:
    """What only the platform may reach."""
    refusal = "/admin/authorization_requests/actions/refuse"
    app.router.add_post(refusal, as_aiohttp(internal(waiting.post_refuse)))
    finished = as_aiohttp(internal(logout.post_finished))
    app.router.add_post("/admin/sign_outs/actions/finish", finished)
    keep = as_aiohttp(internal(signing_keys.post_keep))
    app.router.add_post("/admin/signing_keys/actions/keep", keep)
    app.router.add_post("/oauth2/introspect", as_oauth(introspection.post_introspect))


def _add_registration(app: web.Application) -> None:
    """What clients register themselves by."""
    _add(app, "POST", registration.PATH, registration.post_register)
    path = f"{registration.PATH}/{{client_id}}"
    app.router.add_get(path, as_oauth(registration.get_client), allow_head=False)
    app.router.add_put(path, as_oauth(registration.put_client))
    app.router.add_delete(path, as_oauth(registration.delete_client))


def _add(app: web.Application, method: str, path: str, handler: Handler) -> None:
    """A route that pages of any origin may call."""
    app.router.add_route(method, path, as_oauth(handler))
    app.router.add_route("OPTIONS", path, preflight)


def _abilities(app: web.Application) -> Abilities:
    settings = app[DEPS].settings
    by_certificate = settings.client_certificate_header is not None
    missing = set() if by_certificate else set(BY_CERTIFICATE)
    if settings.client_certificate_verified_header is None:
        missing.add(Method.TLS)
    return Abilities(
        paths=frozenset(resource.canonical for resource in app.router.resources()),
        grant_types=token.GRANT_TYPES,
        methods=[method for method in Method if method not in missing],
        binds_to_certificates=by_certificate,
        mtls_url=settings.mtls_url,
    )
