"""reCAPTCHA: every response is a person's, but `bad`, `robot` and an empty one."""

from pathlib import Path

from aiohttp import web

_LOW_SCORE = 0.1
_HIGH_SCORE = 0.9
_SCRIPT = (Path(__file__).parents[1] / "templates" / "recaptcha.js").read_text()


async def get_script(_: web.Request) -> web.Response:
    """The widget: answers by itself, so that pages can be walked without the vendor."""
    return web.Response(text=_SCRIPT, content_type="text/javascript")


async def post_recaptcha(request: web.Request) -> web.Response:
    """The verdict, in the shape of the siteverify API (version 3)."""
    form = await request.post()
    response = str(form.get("response", ""))
    missing = [
        f"missing-input-{name}" for name in ("secret", "response") if not form.get(name)
    ]
    errors = missing or (["invalid-input-response"] if response == "bad" else [])
    if errors:
        return web.json_response({"success": False, "error-codes": errors})
    score = _LOW_SCORE if response == "robot" else _HIGH_SCORE
    return web.json_response({"success": True, "score": score, "action": "login"})
