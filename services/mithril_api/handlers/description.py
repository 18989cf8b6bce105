"""/openapi.json and /docs: what this service takes and gives, and a page to try it.

The public listener describes itself alone; the internal one describes both.
"""

import importlib.util
import json
from functools import cached_property
from pathlib import Path
from typing import Any

from aiohttp import web

from services.mithril_api.handlers.document import document_of
from shared.runtime.page_static import PREFIX, StaticFiles
from shared.wire.operations import Gives, operation

_OWN = Path(__file__).parents[1] / "static"
_STYLE, _SCRIPT, _START = "swagger-ui.css", "swagger-ui-bundle.js", "docs.js"
_JSON = {"Cache-Control": "public, max-age=300", "X-Content-Type-Options": "nosniff"}
# Styles: Swagger UI writes some of its own into the page. Nothing comes from outside.
_PAGE = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Described:
    """The routes of a listener, described when that is first asked for."""

    def __init__(self, listeners: dict[str, web.Application]) -> None:
        self._listeners = listeners

    @cached_property
    def document(self) -> dict[str, Any]:
        """The OpenAPI document; the first of the listeners is where it is served."""
        return document_of(self._listeners)

    @cached_property
    def _body(self) -> bytes:
        return json.dumps(self.document, ensure_ascii=False).encode()

    @operation(Gives(data=dict[str, Any], enveloped=False))
    async def get(self, _: web.Request) -> web.StreamResponse:
        """This document."""
        return web.Response(body=self._body, content_type="application/json", headers=_JSON)


class TryIt:
    """The page; its files are those of the package that has Swagger UI, and one of ours."""

    def __init__(self) -> None:
        self.files = StaticFiles(
            [_swagger_ui(), _OWN], only=frozenset({_STYLE, _SCRIPT, _START})
        )
        style, script, start = map(self.files.url, (_STYLE, _SCRIPT, _START))
        self._html = (
            '<!doctype html>\n<html lang="en"><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            '<title>mithril-api</title><link rel="icon" href="data:,">'
            f'<link rel="stylesheet" href="{style}"><div id="page"></div>'
            f'<script src="{script}"></script><script src="{start}"></script></html>\n'
        )

    @operation(Gives(data=str, enveloped=False, media="text/html"))
    async def get(self, _: web.Request) -> web.StreamResponse:
        """A page on which every operation can be tried."""
        return web.Response(text=self._html, content_type="text/html", headers=_PAGE)


def add_routes(public: web.Application, internal: web.Application, *, page: bool) -> None:
    """The document of each listener, and the page beside it where it is wanted."""
    for app, listeners in (
        (public, {"public": public}),
        (internal, {"internal": internal, "public": public}),
    ):
        app.router.add_get("/openapi.json", Described(listeners).get)
    if page:
        shown = TryIt()
        for app in (public, internal):
            app.router.add_get("/docs", shown.get)
            app.router.add_get(PREFIX + "{name:.+}", shown.files.get)


def _swagger_ui() -> Path:
    """Where the package keeps the files; its code is not needed."""
    found = importlib.util.find_spec("swagger_ui")
    if found is None or not found.submodule_search_locations:
        raise RuntimeError("package `swagger-ui-py` is not installed")
    return Path(found.submodule_search_locations[0]) / "static"
