"""HTTP plumbing of every listener: request ids, one log line and one count a request, problems.

A handler returns an `Answer` (or a finished `web.StreamResponse`) and raises `Problem`;
everything else that is raised becomes a bare 500 with a request id, and is logged.
"""

import re
import time
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from aiohttp import web
from aiohttp.typedefs import Middleware
from multidict import istr

from shared.runtime import logging, tracing
from shared.runtime.bodies import BODY_LIMIT
from shared.runtime.entropy import Entropy
from shared.runtime.metrics import HttpMetrics
from shared.runtime.overload import OverloadedError
from shared.runtime.postgres import DatabaseUnavailableError
from shared.wire import envelope
from shared.wire.envelope import Answer, Meta, Problem
from shared.wire.operations import Layer, around, style_of

Handler: TypeAlias = Callable[[web.Request], Awaitable[Answer | web.StreamResponse]]

META: web.RequestKey[Meta] = web.RequestKey("meta", Meta)
LOG_FIELDS: web.RequestKey[dict[str, object]] = web.RequestKey("log_fields", dict)

SERVER = "mithril"  # not which library, in which version

_REQUEST_ID = re.compile(r"^[\x21-\x7e]{1,128}$")
# What our answers can be, as media ranges (RFC 9110 §12.5.1); weights are not looked at.
_ACCEPTED = re.compile(r"\*/\*|application/\*|json|text/csv", re.IGNORECASE)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_JSON_HEADER = {"Content-Type": envelope.JSON}
# Names of headers that every request is asked for, folded once.
_X_REQUEST_ID = istr("X-Request-ID")
_X_IDEMPOTENCY_KEY = istr("X-Idempotency-Key")
_X_FORWARDED_PROTO = istr("X-Forwarded-Proto")
_HOST, _ACCEPT, _SERVER = istr("Host"), istr("Accept"), istr("Server")
_TRACEPARENT = istr("traceparent")

_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})

_log = logging.get("http")


def note(request: web.Request, **fields: object) -> None:
    """Add fields to the one log line of this request. Never a secret, never a body."""
    request[LOG_FIELDS].update(fields)


def make_app(*, listener: str, entropy: Entropy, metrics: HttpMetrics) -> web.Application:
    """An application whose one middleware does what this module promises."""
    return web.Application(
        client_max_size=BODY_LIMIT,
        middlewares=[_middleware(listener, entropy, metrics)],
    )


def as_aiohttp(handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """A handler in the shape that aiohttp's router takes."""

    async def render(request: web.Request) -> web.StreamResponse:
        accept = request.headers.get(_ACCEPT)
        if accept is not None and not _ACCEPTED.search(accept):
            text = "Accept must allow application/json."
            raise Problem(406, "content_type_invalid", text)
        answer = await handler(request)
        if isinstance(answer, web.StreamResponse):
            return answer
        if answer.status == 204:
            return web.Response(status=204, headers=answer.headers)
        headers = {**_JSON_HEADER, **answer.headers} if answer.headers else _JSON_HEADER
        body = envelope.success(request[META], answer)
        return web.Response(body=body, status=answer.status, headers=headers)

    return around(render, handler, Layer(style="envelope", refuses=(400, 406, 503)))


def _middleware(listener: str, entropy: Entropy, metrics: HttpMetrics) -> Middleware:
    @web.middleware
    async def middleware(
        request: web.Request,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        request[META] = _meta_of(request, entropy)
        request[LOG_FIELDS] = {}
        trace = tracing.accepted(request.headers.get(_TRACEPARENT))
        if trace is not None:
            tracing.current.set(trace)
        if tracing.spans is None or _route_of(request) in _QUIET:
            return await _answer_and_tell(request, handler, listener, metrics)
        with tracing.spans.request(
            method=_method_of(request), route=_route_of(request), scheme=request.scheme
        ) as span:
            response = await _answer_and_tell(request, handler, listener, metrics)
            tracing.spans.answered(span, response.status)
            return response

    return middleware


async def _answer_and_tell(
    request: web.Request,
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    listener: str,
    metrics: HttpMetrics,
) -> web.StreamResponse:
    started = time.perf_counter()
    meta = request[META]
    response = await _answer(request, handler, meta)
    if not response.prepared:
        response.headers[_X_REQUEST_ID] = meta.request_id
        response.headers[_SERVER] = SERVER
        if meta.idempotency_key is not None:
            response.headers[_X_IDEMPOTENCY_KEY] = meta.idempotency_key
    _record(request, response.status, listener, metrics, time.perf_counter() - started)
    return response


def _meta_of(request: web.Request, entropy: Entropy) -> Meta:
    headers = request.headers
    request_id = headers.get(_X_REQUEST_ID)
    if request_id is None or _REQUEST_ID.match(request_id) is None:
        request_id = str(entropy.uuid())
    key = headers.get(_X_IDEMPOTENCY_KEY)
    if key is not None and _REQUEST_ID.match(key) is None:
        key = None
    scheme = headers.get(_X_FORWARDED_PROTO, "http")
    scheme = "https" if scheme == "https" else "http"
    host = headers.get(_HOST, "localhost").removesuffix(":80")
    path = request.raw_path.partition("?")[0]
    url = _encodable(f"{scheme}://{host}{path}")
    return Meta(url=url, request_id=request_id, idempotency_key=key)


def _encodable(text: str) -> str:
    """Text from the wire without the bytes that were no UTF-8: JSON cannot say them."""
    return text.encode(errors="replace").decode()


def has_nul(request: web.Request) -> bool:
    """Whether there is a NUL in the address: PostgreSQL has no text with one."""
    return "\x00" in request.path or "\x00" in request.query_string


async def _answer(
    request: web.Request,
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    meta: Meta,
) -> web.StreamResponse:
    try:
        if has_nul(request) and style_of(request.match_info.handler) != "oauth":
            raise envelope.malformed()  # noqa: TRY301 — the table of answers is below
        return await handler(request)
    except Problem as problem:
        return _problem(meta, problem)
    except DatabaseUnavailableError as error:
        note(request, unavailable=str(error))
        return _problem(meta, envelope.unavailable())
    except OverloadedError as error:
        note(request, overloaded=str(error))
        return _problem(meta, envelope.unavailable())
    except web.RequestPayloadError:  # it does not unpack as its headers promised
        return _problem(meta, envelope.malformed())
    except web.HTTPException as error:
        return _http_exception(meta, error)
    except ConnectionResetError:
        raise
    except Exception:  # noqa: BLE001 — the unknown becomes a bare 500
        _log.exception(
            "unexpected error", request_id=meta.request_id, route=_route_of(request)
        )
        return _problem(meta, Problem(500, None))


def _problem(meta: Meta, problem: Problem) -> web.Response:
    if problem.status == 500:
        body = envelope.failure(meta, problem).replace(
            b'"error":{}', b'"error":{"errors":{"detail":"Internal server error"}}'
        )
    else:
        body = envelope.failure(meta, problem)
    headers = {**_JSON_HEADER, "Cache-Control": "no-store", **problem.headers}
    return web.Response(body=body, status=problem.status, headers=headers)


def _http_exception(meta: Meta, error: web.HTTPException) -> web.StreamResponse:
    """What aiohttp itself refuses, in the envelope."""
    match error.status:
        case 404:
            return _problem(meta, envelope.not_found())
        case 405:
            allow = error.headers.get("Allow", "")
            return _problem(
                meta, Problem(405, "method_not_allowed", headers={"Allow": allow})
            )
        case 413:
            text = f"Request body is larger than {BODY_LIMIT} bytes."
            return _problem(meta, Problem(413, "request_too_large", text))
        case status if status >= 400:
            return _problem(meta, Problem(status, "request_malformed", error.reason))
        case _:
            return error


def _route_of(request: web.Request) -> str:
    """The template, never the path: a path may hold a token."""
    resource = request.match_info.route.resource
    return "unmatched" if resource is None else resource.canonical


def _method_of(request: web.Request) -> str:
    return request.method if request.method in _METHODS else "other"


def _record(
    request: web.Request, status: int, listener: str, metrics: HttpMetrics, took: float
) -> None:
    route = _route_of(request)
    method = _method_of(request)
    metrics.answered(listener, route, method, status, took)
    if route in _QUIET and status < 400:
        return
    _log.info(
        "request",
        request_id=request[META].request_id,
        listener=listener,
        method=method,
        route=route,
        status=status,
        ms=round(took * 1000, 2),
        **request[LOG_FIELDS],
    )
