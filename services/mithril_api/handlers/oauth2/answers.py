"""Answers as the standards have them: JSON without an envelope, errors by name, never cached."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NoReturn, TypeAlias

import orjson
from aiohttp import web

from services.mithril_api.domain.oauth2.faults import ErrorCode, Fault, invalid_request
from shared.runtime.http import META, has_nul, note
from shared.runtime.overload import OverloadedError
from shared.runtime.postgres import DatabaseUnavailableError
from shared.wire.envelope import Problem
from shared.wire.operations import Gives, Layer, around, operation

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]

JSON = "application/json"
NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_STATUS: Mapping[ErrorCode, int] = {
    ErrorCode.INSUFFICIENT_SCOPE: 403,
    ErrorCode.INVALID_CLIENT: 401,
    ErrorCode.INVALID_TOKEN: 401,
    ErrorCode.TEMPORARILY_UNAVAILABLE: 503,
    ErrorCode.TOO_MANY_REQUESTS: 429,
}
_SAID: Mapping[int, Fault] = {
    429: Fault(ErrorCode.TOO_MANY_REQUESTS, "too many requests: try again later")
}
# Nothing here rests on a cookie, so any page may ask; it has to bring what it authenticates by.
_ANY_ORIGIN = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "DPoP-Nonce, RateLimit, RateLimit-Policy, Retry-After, "
    "WWW-Authenticate, X-Request-ID",
}
_PREFLIGHT = {
    "Access-Control-Allow-Headers": "Authorization, Content-Type, DPoP",
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Max-Age": "86400",
}


class OAuthError(Exception):  # it is an answer, not a fault of ours
    """An answer that refuses. Raised by handlers only: below them a refusal is a value."""

    def __init__(
        self,
        fault: Fault,
        *,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(fault.code)
        self.fault = fault
        self.status = status or _STATUS.get(fault.code, 400)
        self.headers = dict(headers or {})


def refuse(fault: Fault, **headers: str) -> NoReturn:
    """Answer no."""
    raise OAuthError(fault, headers=headers)


def json_answer(
    body: Mapping[str, Any], *, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """An object, not to be cached unless `headers` says so."""
    return web.Response(
        body=orjson.dumps(body, default=str),
        status=status,
        content_type=JSON,
        headers={**NO_STORE, **(headers or {})},
    )


def as_oauth(handler: Handler) -> Handler:
    """A handler whose every refusal is one of the standards', readable from any page."""

    async def render(request: web.Request) -> web.StreamResponse:
        response = await _answered(request, handler)
        if "Origin" in request.headers:
            response.headers.update(_ANY_ORIGIN)
        return response

    return around(render, handler, Layer(style="oauth", refuses=(400, 503)))


def as_page(handler: Handler) -> Handler:
    """The same where a browser goes by itself: no other page may read it (RFC 9700 §2.6)."""

    async def render(request: web.Request) -> web.StreamResponse:
        return await _answered(request, handler)

    return around(render, handler, Layer(style="oauth", refuses=(400, 503)))


@operation(
    Gives(status=204, headers=("Access-Control-Allow-Origin",), says="Any page may ask.")
)
async def preflight(_: web.Request) -> web.StreamResponse:
    """What a browser asks before a page of another origin may ask (CORS)."""
    return web.Response(status=204, headers={**_ANY_ORIGIN, **_PREFLIGHT})


async def _answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        if has_nul(request):
            refuse(invalid_request("the address has a NUL"))
        return await handler(request)
    except OAuthError as error:
        note(request, outcome=str(error.fault.code))
        return refusal(error)
    except (DatabaseUnavailableError, OverloadedError) as error:
        note(request, unavailable=str(error))
        return refusal(_away())
    except Problem as problem:
        fault = _SAID.get(problem.status, invalid_request("the request cannot be read"))
        refused = OAuthError(fault, status=problem.status, headers=problem.headers)
        return refusal(refused)
    except web.HTTPRequestEntityTooLarge:
        fault = invalid_request("the request is too large")
        return refusal(OAuthError(fault, status=413))


def _away() -> OAuthError:
    fault = Fault(ErrorCode.TEMPORARILY_UNAVAILABLE, "try again later")
    return OAuthError(fault, headers={"Retry-After": "1"})


def refusal(error: OAuthError) -> web.Response:
    """What an error looks like outside."""
    fault = error.fault
    headers = dict(error.headers)
    if error.status == 401:  # how to do better (RFC 6749 §5.2)
        headers.setdefault("WWW-Authenticate", 'Basic realm="mithril", charset="UTF-8"')
    body = {"error": fault.code, "error_description": fault.description}
    return json_answer(body, status=error.status, headers=headers)


def issuer_of(request: web.Request, configured: str | None) -> str:
    """Our identifier (RFC 8414 §2): the configured one, or the address that was called."""
    return configured or request[META].url.removesuffix(request.path)
