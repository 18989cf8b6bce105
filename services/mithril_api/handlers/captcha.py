"""reCAPTCHA on sign-in forms, enforced where it is configured (spec §3.2, W20)."""

from aiohttp import web

from services.mithril_api.handlers.keys import DEPS
from services.mithril_api.handlers.limiting import callers_address
from shared.runtime.http import note
from shared.wire.envelope import forbidden

INVALID = "Invalid CAPTCHA token"


async def require_captcha(request: web.Request, response: str | None) -> None:
    """403 unless the answer to the captcha is good.

    Asked before anything else of the form, not as its last check like in the original: else
    whoever has no captcha would learn from the answer whether a password is right.
    """
    recaptcha = request.app[DEPS].recaptcha
    if recaptcha is None:
        return
    if response is None:
        raise forbidden(INVALID)
    verdict = await recaptcha.check(response, address=callers_address(request) or None)
    if verdict.ok:
        return
    note(request, captcha=", ".join(verdict.errors))
    if verdict.errors:
        raise forbidden(f"{INVALID}. Errors: {', '.join(verdict.errors)}")
    raise forbidden(INVALID)
