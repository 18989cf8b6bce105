"""The emulators' own pages: plain, without JavaScript."""

from pathlib import Path
from typing import Any

import jinja2
from aiohttp import web

_TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parents[1] / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_STYLE = (Path(__file__).parents[1] / "templates" / "style.css").read_text()


def page(template: str, *, status: int = 200, **context: Any) -> web.Response:
    """A page."""
    text = _TEMPLATES.get_template(template).render(context)
    return web.Response(body=text.encode(), status=status, headers=_HEADERS)


async def get_style(_: web.Request) -> web.Response:
    """The one style sheet."""
    return web.Response(text=_STYLE, content_type="text/css")
