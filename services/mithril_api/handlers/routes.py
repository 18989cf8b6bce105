"""Every route of mithril-api on one page."""

from aiohttp import web

from services.mithril_api.handlers import tokens, verification
from services.mithril_api.handlers.callers import internal
from shared.runtime.http import as_aiohttp


def add_public(app: web.Application) -> None:
    """What MSP systems and browsers' back ends call."""
    app.router.add_post("/oauth/tokens", as_aiohttp(tokens.post_tokens))


def add_internal(app: web.Application) -> None:
    """What only the platform may call."""
    verify = internal(verification.get_verify)
    app.router.add_get("/admin/tokens/{value}/verify", as_aiohttp(verify))
