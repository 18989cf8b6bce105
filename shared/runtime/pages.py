"""Server-rendered pages: templates, security headers, forms that only our own pages can send.

`Pages.mount` adds to an application of `shared/runtime/http.py` a middleware that opens the
browser's session before a handler and saves it after, and turns whatever is refused into the
page `error.html`. A handler is plain aiohttp: it returns `PAGES.render(…)` or `see_other(…)`
and raises `PageError`.
"""

import base64
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, TypeAlias
from urllib.parse import parse_qsl, urlsplit

import jinja2
from aiohttp import web
from markupsafe import Markup

from shared.runtime import logging
from shared.runtime.entropy import Entropy
from shared.runtime.http import META, note
from shared.runtime.page_policy import policy
from shared.runtime.page_sessions import Session, Sessions
from shared.runtime.page_static import PREFIX, StaticFiles
from shared.wire.envelope import Problem

SESSION: web.RequestKey[Session] = web.RequestKey("session", Session)
_Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
_MOST_FIELDS = 200

_log = logging.get("pages")

# Of every page, whatever it says.
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Type": "text/html; charset=utf-8",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    # `no-referrer` would make browsers send `Origin: null` with our own forms (Fetch, "append
    # a request `Origin` header"); to other origins this one says as little.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_KINDS = {
    400: "bad_request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    429: "too_many",
    503: "unavailable",
}


class PageError(Exception):
    """A page that refuses. `kind` names its words in the catalogue of the service."""

    def __init__(
        self,
        status: int,
        kind: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        **context: Any,
    ) -> None:
        self.status = status
        self.kind = kind or _KINDS.get(status, "internal")
        self.headers = dict(headers or {})
        self.context = context
        super().__init__(f"{status} {self.kind}")


class StaleFormError(PageError):
    """A form of a session that is over. `typed` is what was in it, so that it is not lost."""

    def __init__(self, typed: Mapping[str, str]) -> None:
        super().__init__(403, "stale_form")
        self.typed = typed


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """How a service shows pages.

    `templates` and `static` are directories, the last one wins. `context` gives what each
    template of the service needs (language, texts), from the request.
    """

    templates: Sequence[Path]
    static: Sequence[Path]
    sessions: Sessions
    entropy: Entropy
    context: Callable[[web.Request], Mapping[str, Any]]
    connect_self: bool = False  # whether scripts of the service may call it
    environment: jinja2.Environment = field(init=False, repr=False)
    files: StaticFiles = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Read templates and static files; one that is wrong stops the process at start."""
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(list(reversed(self.templates))),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        files = StaticFiles(self.static)
        environment.globals["static"] = files.url
        environment.globals["inlined"] = lambda name: Markup(files.text(name))  # noqa: S704 — our own file
        for name in environment.list_templates(extensions=["html"]):
            environment.get_template(name)
        object.__setattr__(self, "environment", environment)
        object.__setattr__(self, "files", files)

    def mount(self, app: web.Application) -> None:
        """Make every answer of the application a page."""
        app[PAGES] = self
        app.middlewares.insert(0, self._plumbing())
        app.middlewares.append(self._middleware())
        app.router.add_get(PREFIX + "{name:.+}", self.files.get)

    def render(
        self,
        request: web.Request,
        template: str,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        leads_to: Sequence[str] = (),
        scripts: Sequence[str] = (),
        frames: Sequence[str] = (),
        **context: Any,
    ) -> web.Response:
        """A page.

        Sources outside ours (CSP): `leads_to`, where its forms may end; `scripts` and `frames`,
        where such may be from.
        """
        session = request[SESSION]
        if session.new:  # the forms are bound to it, so the browser must keep it
            session.touched = True
        nonce = f"{self.entropy.bits(128):032x}"
        values = {
            **self.context(request),
            "nonce": nonce,
            "csrf": Markup('<input type="hidden" name="csrf" value="{}">').format(
                session.csrf()
            ),
            "flashes": session.flashes(),
            "request_id": request[META].request_id,
            **context,
        }
        body = self.environment.get_template(template).render(values)
        allowed = policy(
            nonce,
            connect_self=self.connect_self,
            leads_to=leads_to,
            scripts=scripts,
            frames=frames,
        )
        given = {**_HEADERS, "Content-Security-Policy": allowed, **(headers or {})}
        if request.headers.get("X-Forwarded-Proto") == "https":
            given["Strict-Transport-Security"] = "max-age=31536000"
        return web.Response(body=body.encode(), status=status, headers=given)

    def _plumbing(self) -> Any:
        """What the plumbing of the listener refuses before any page of ours is asked."""

        @web.middleware
        async def middleware(request: web.Request, handler: _Handler) -> web.StreamResponse:
            response = await handler(request)
            if SESSION in request or response.status < 400 or response.prepared:
                return response
            if request.path.startswith(PREFIX):
                return response
            request[SESSION] = self.sessions.open(request)
            page = self._error(request, PageError(response.status))
            for name in ("Server", "X-Request-ID"):
                page.headers[name] = response.headers[name]
            return page

        return middleware

    def _middleware(self) -> Any:
        @web.middleware
        async def middleware(request: web.Request, handler: _Handler) -> web.StreamResponse:
            if request.path.startswith(PREFIX):
                return await handler(request)
            request[SESSION] = self.sessions.open(request)
            response = await self._answer(request, handler)
            # With a form of another site no cookie comes (`SameSite`): to answer it with a
            # fresh one would end the session that the browser has.
            if request.method in {"GET", "HEAD"} or is_same_origin(request):
                self.sessions.save(request[SESSION], response)
            return response

        return middleware

    async def _answer(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        try:
            if "\x00" in request.path or "\x00" in request.query_string:
                _refuse(400)
            return await handler(request)
        except PageError as error:
            return self._error(request, error)
        except Problem as problem:
            return self._error(request, PageError(problem.status, headers=problem.headers))
        except web.RequestPayloadError:
            return self._error(request, PageError(400))
        except web.HTTPException as error:
            if error.status < 400:
                return error
            allow = error.headers.get("Allow")
            headers = {} if allow is None else {"Allow": allow}
            return self._error(request, PageError(error.status, headers=headers))
        except ConnectionResetError:
            raise
        except Exception:  # noqa: BLE001 — the unknown becomes a bare page
            _log.exception("unexpected error", request_id=request[META].request_id)
            return self._error(request, PageError(500))

    def _error(self, request: web.Request, error: PageError) -> web.Response:
        note(request, refused=error.kind)
        return self.render(
            request,
            "error.html",
            status=error.status,
            headers=error.headers,
            kind=error.kind,
            retry_after=error.headers.get("Retry-After"),
            **error.context,
        )


PAGES: web.AppKey[Pages] = web.AppKey("pages", Pages)


def see_other(location: str) -> web.Response:
    """303: what was posted is done, and this is the page to look at (post, redirect, get)."""
    headers = {"Location": location, "Cache-Control": "no-store"}
    return web.Response(status=303, headers=headers)


async def read_form(request: web.Request) -> dict[str, str]:
    """The fields of a form that one of our own pages sent.

    From another site: 403. From a session that is over: `StaleFormError`, with what was typed.
    """
    if not is_same_origin(request):
        _refuse(403, "cross_site")
    if request.content_type == "multipart/form-data":
        typed = await _multipart(request)
    elif request.content_type == "application/x-www-form-urlencoded":
        typed = _urlencoded(await request.read())
    else:
        _refuse(415, "bad_request")
    if any("\x00" in value for value in typed.values()):
        _refuse(400)
    token = typed.pop("csrf", "")
    if not request[SESSION].is_csrf(token):
        raise StaleFormError(typed)
    return typed


def is_same_origin(request: web.Request) -> bool:
    """Whether a browser says that our own page sent this; what is no browser says nothing.

    `Sec-Fetch-Site` where there is one, else `Origin` against `Host` (both are beyond the
    reach of scripts).
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    try:
        return urlsplit(origin).netloc == request.headers.get("Host")
    except ValueError:
        return False


def _urlencoded(raw: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            raw.decode(),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MOST_FIELDS,
        )
    except ValueError:  # no UTF-8, or more fields than any form of ours has
        _refuse(400)
    return dict(pairs)


async def _multipart(request: web.Request) -> dict[str, str]:
    """Fields and uploaded files: the text of one, or base64 where it is no text.

    A file that was not chosen is left out.
    """
    try:
        posted = await request.post()
        typed: dict[str, str] = {}
        for name, value in posted.items():
            if isinstance(value, web.FileField):
                content = value.file.read()
                if content:
                    typed[name] = _as_text(content)
            else:
                typed.setdefault(name, str(value))
    except ValueError:  # a broken boundary, or bytes that are no UTF-8
        _refuse(400)
    return typed


def _as_text(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return base64.b64encode(content).decode()


def _refuse(status: int, kind: str | None = None) -> NoReturn:
    raise PageError(status, kind)
