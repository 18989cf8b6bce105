"""Routes of people: what the sign-in pages ask beside a sign-in itself."""

from aiohttp import web

from services.mithril_api.handlers import consent, nonces, own_apps, recovery
from shared.runtime.http import as_aiohttp

_RECOVERY = "/api/credentials_recovery_requests"
_APPS = "/api/pis/apps"


def add_people_routes(app: web.Application) -> None:
    """Recovery, nonces, what a consent page shows, one's own approvals."""
    router = app.router
    router.add_post(_RECOVERY, as_aiohttp(recovery.post_request))
    reset = recovery.patch_reset_password
    router.add_patch(_RECOVERY + "/{value}/actions/reset_password", as_aiohttp(reset))
    router.add_get("/oauth/nonce", as_aiohttp(nonces.get_nonce))
    router.add_post("/oauth/nonce", as_aiohttp(nonces.post_nonce))
    router.add_get("/oauth/apps/authorize", as_aiohttp(consent.get_authorize))
    router.add_get(_APPS, as_aiohttp(own_apps.get_all))
    router.add_get(_APPS + "/{id}", as_aiohttp(own_apps.get_one))
    router.add_delete(_APPS + "/{id}", as_aiohttp(own_apps.delete))
