"""The first page, and the choice of a language."""

from aiohttp import web

from services.admin_web.handlers.keys import VIEWER
from services.admin_web.texts import LANGUAGES
from shared.runtime.pages import PAGES, SESSION, PageError, read_form, see_other


async def get_home(request: web.Request) -> web.StreamResponse:
    """GET /: the sections that the viewer may see."""
    viewer = request[VIEWER]
    return request.app[PAGES].render(request, "home.html", user_id=viewer.token.user_id)


async def post_language(request: web.Request) -> web.StreamResponse:
    """POST /language: remember it, and go back to a page of ours."""
    typed = await read_form(request)
    if typed.get("language") not in LANGUAGES:
        raise PageError(400)
    request[SESSION].put(language=typed["language"])
    return see_other(_ours(typed.get("back", "/")))


def _ours(path: str) -> str:
    """A path of this site; anything else is the first page."""
    is_ours = path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if is_ours and path.isascii() and path.isprintable() else "/"
