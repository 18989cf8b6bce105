"""The few pages of the back end itself: what went wrong at sign-in, and signing out."""

from collections.abc import Mapping
from html import escape
from types import MappingProxyType

from aiohttp import web

from services.gatekeeper.handlers.texts import ENGLISH, REQUEST, SIGN_OUT, UKRAINIAN
from shared.runtime.http import META

_HEADERS = MappingProxyType(
    {
        "Content-Type": "text/html; charset=utf-8",
        "Cache-Control": "no-store",
        "Content-Security-Policy": (
            "default-src 'none'; form-action 'self'; base-uri 'none'; "
            "frame-ancestors 'none'"
        ),
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
)


def page(
    request: web.Request,
    kind: str,
    *,
    status: int,
    link: str = "/",
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    """A page of ours; `link` is a path of this site."""
    language = _language(request)
    texts = ENGLISH if language == "en" else UKRAINIAN
    title, text, link_text = texts[kind]
    form = ""
    if kind == "confirm":
        form = (
            '<form method="post" action="/auth/logout">'
            f"<p><button>{SIGN_OUT[language]}</button></p></form>"
        )
    target = ' target="_blank" rel="noopener"' if kind == "expired" else ""
    body = (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{title}</title></head><body><main><h1>{title}</h1><p>{text}</p>{form}"
        f'<p><a href="{escape(link)}"{target}>{link_text}</a></p>'
        f"<p><small>{REQUEST[language]} {escape(request[META].request_id)}</small></p>"
        "</main></body></html>"
    )
    return web.Response(
        body=body.encode(), status=status, headers={**_HEADERS, **(headers or {})}
    )


def _language(request: web.Request) -> str:
    """Ukrainian, unless English is asked for before it."""
    for part in request.headers.get("Accept-Language", "").split(","):
        tag = part.partition(";")[0].strip().lower()
        if tag.partition("-")[0] in {"en", "uk"}:
            return tag.partition("-")[0]
    return "uk"
