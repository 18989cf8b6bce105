"""Only the platform may call: by service token, or by network position (architecture §2)."""

from aiohttp import web

from services.abac_api.handlers.keys import DEPS
from shared.runtime.bearer import bearer_of, is_service_token
from shared.runtime.http import Handler
from shared.wire.envelope import Answer, access_denied

_MISSING = "Authorization header is not set or doesn't contain Bearer token"
_INVALID = "Invalid access token"


def internal(handler: Handler) -> Handler:
    """Refuse everyone else."""

    async def guarded(request: web.Request) -> Answer | web.StreamResponse:
        settings = request.app[DEPS].settings
        if settings.internal_auth == "network":
            return await handler(request)
        bearer = bearer_of(request)
        if bearer is None:
            raise access_denied(_MISSING)
        tokens = [token.get_secret_value() for token in settings.service_tokens]
        if not is_service_token(bearer, tokens):
            raise access_denied(_INVALID)
        return await handler(request)

    guarded.__name__ = getattr(handler, "__name__", "handler")
    return guarded
