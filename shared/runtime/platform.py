"""Only the platform may call: by service token, or by network position (architecture §2)."""

from collections.abc import Callable, Sequence

from aiohttp import web

from shared.runtime.bearer import bearer_of, is_service_token
from shared.runtime.http import Handler
from shared.runtime.settings import ProcessSettings
from shared.wire.envelope import Answer, access_denied
from shared.wire.operations import Layer, Needs, around

MISSING_BEARER = "Authorization header is not set or doesn't contain Bearer token"
SERVICE_TOKEN = Needs(scheme="serviceToken")
INVALID_TOKEN = "Invalid access token"  # noqa: S105 — a text of the contract


def missing_allowances(scopes: Sequence[str]) -> str:
    """What a caller is told whose token lacks scopes (spec §7.2)."""
    text = "Your scope does not allow to access this resource. Missing allowances: "
    return text + ", ".join(scopes)


def is_platform(request: web.Request, settings: ProcessSettings) -> bool:
    """Whether the platform itself is calling."""
    if settings.internal_auth == "network":
        return True
    return is_service_token(bearer_of(request), settings.service_credentials)


def platform_only(
    handler: Handler, settings_of: Callable[[web.Request], ProcessSettings]
) -> Handler:
    """The handler, which refuses everyone else with the gateway's texts (401)."""

    async def guarded(request: web.Request) -> Answer | web.StreamResponse:
        if not is_platform(request, settings_of(request)):
            raise access_denied(
                MISSING_BEARER if bearer_of(request) is None else INVALID_TOKEN
            )
        return await handler(request)

    return around(guarded, handler, Layer(refuses=(401,), needs=(SERVICE_TOKEN,)))
