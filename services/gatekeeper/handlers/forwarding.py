"""One request to the web app and its answer back, both as they come (RFC 9110 §7.6)."""

from collections.abc import AsyncIterator, Callable, Mapping

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from services.gatekeeper.back_end import BackEnd
from services.gatekeeper.handlers.cookies import own_cookies
from shared.runtime import logging
from shared.runtime.http import META, SERVER

# For one hop (RFC 9110 §7.6.1), told anew by each.
_HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
# Ours to say, or nobody's. Compared with `_` as `-`: some servers read both alike.
_OURS = frozenset(
    {
        "api-key",
        "authorization",
        "cookie",
        "dpop",
        "expect",
        "forwarded",
        "host",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-port",
        "x-forwarded-prefix",
        "x-forwarded-proto",
        "x-forwarded-server",
        "x-person-id",
        "x-real-ip",
        "x-request-id",
        "x-service-authorization",
    }
)
_CONSUMER = "x-consumer-"

_log = logging.get("forwarding")


class UpstreamError(Exception):
    """The web app gave no answer."""


class TooLargeError(Exception):
    """The body is larger than is accepted."""


class _Body:
    """The request's body, passed on piece by piece and counted."""

    def __init__(self, request: web.Request, limit: int) -> None:
        self._request = request
        self._limit = limit
        self.too_large = (request.content_length or 0) > limit

    async def pieces(self) -> AsyncIterator[bytes]:
        seen = 0
        async for piece in self._request.content.iter_any():
            seen += len(piece)
            if seen > self._limit:
                self.too_large = True
                raise TooLargeError
            yield piece


async def forward(
    request: web.Request,
    back: BackEnd,
    ours: Mapping[str, str],
    *,
    before: Callable[[web.StreamResponse], None],
) -> web.StreamResponse:
    """Send it on with `ours` among the headers; `before` may add cookies to the answer.

    Raises:
        UpstreamError: no answer began, so another may be given.
        TooLargeError: the body is beyond the limit.
    """
    body = _Body(request, back.settings.body_limit)
    if body.too_large:
        raise TooLargeError
    url = URL(back.settings.upstream_url.rstrip("/") + request.raw_path, encoded=True)
    timeout = aiohttp.ClientTimeout(
        total=None, sock_connect=5, sock_read=back.settings.upstream_seconds
    )
    try:
        answer = await back.upstream().request(
            request.method,
            url,
            headers=_request_headers(request, back, ours),
            data=body.pieces() if request.body_exists else None,
            skip_auto_headers=("User-Agent", "Content-Type", "Accept", "Accept-Encoding"),
            allow_redirects=False,
            timeout=timeout,
        )
    except (aiohttp.ClientError, TimeoutError, OSError, TooLargeError) as error:
        if body.too_large:
            raise TooLargeError from None
        raise UpstreamError(f"the web app did not answer: {type(error).__name__}") from None
    async with answer:
        response = web.StreamResponse(
            status=answer.status,
            reason=answer.reason,
            headers=_response_headers(request, back, answer),
        )
        before(response)
        await response.prepare(request)
        return await _passed_back(request, response, answer)


async def _passed_back(
    request: web.Request, response: web.StreamResponse, answer: aiohttp.ClientResponse
) -> web.StreamResponse:
    try:
        async for piece in answer.content.iter_any():
            await response.write(piece)
    except (aiohttp.ClientPayloadError, TimeoutError) as error:
        # Its head is gone already: that it is not whole can only be shown by cutting it.
        _log.warning(
            "the web app's answer was cut",
            request_id=request[META].request_id,
            error=type(error).__name__,
        )
        if request.transport is not None:
            request.transport.abort()
        return response
    await response.write_eof()
    return response


def _request_headers(
    request: web.Request, back: BackEnd, ours: Mapping[str, str]
) -> CIMultiDict[str]:
    dropped = _HOP_BY_HOP | _named_by(request.headers.getall("Connection", []))
    headers = CIMultiDict(
        (name, value)
        for name, value in request.headers.items()
        if name.lower() not in dropped and not _is_ours(name)
    )
    cookies = _others_cookies(request, own_cookies(back))
    if cookies:
        headers["Cookie"] = cookies
    scheme, _, host = back.settings.origin.partition("://")
    headers["X-Forwarded-Proto"] = scheme
    headers["X-Forwarded-Host"] = host
    if request.remote is not None:
        headers["X-Forwarded-For"] = request.remote
    headers.update(ours)
    return headers


def _response_headers(
    request: web.Request, back: BackEnd, answer: aiohttp.ClientResponse
) -> CIMultiDict[str]:
    dropped = _HOP_BY_HOP | _named_by(answer.headers.getall("Connection", []))
    ours = own_cookies(back)
    headers = CIMultiDict(
        (name, value)
        for name, value in answer.headers.items()
        if name.lower() not in dropped
        and not (name.lower() == "set-cookie" and _name_of(value) in ours)
    )
    headers["Server"] = SERVER
    headers["X-Request-ID"] = request[META].request_id
    # What a session showed must not be there behind the back button when it is over.
    headers.setdefault("Cache-Control", "no-store")
    return headers


def _is_ours(name: str) -> bool:
    plain = name.lower().replace("_", "-")
    return plain in _OURS or plain.startswith(_CONSUMER)


def _named_by(values: list[str]) -> frozenset[str]:
    """The headers that `Connection` says are for this hop."""
    return frozenset(
        name.strip().lower() for value in values for name in value.split(",") if name
    )


def _others_cookies(request: web.Request, ours: frozenset[str]) -> str:
    """The cookies that are the web app's own, as they came."""
    pairs = [
        pair.strip()
        for header in request.headers.getall("Cookie", [])
        for pair in header.split(";")
    ]
    return "; ".join(pair for pair in pairs if pair and pair.partition("=")[0] not in ours)


def _name_of(set_cookie: str) -> str:
    return set_cookie.partition("=")[0].strip()
