"""Steps that many tests take."""

from urllib.parse import parse_qs, urlsplit

from tests.pages import Browser, Page
from tests.signing_in import Set

PHONE = "+380501234567"


async def sign_in(
    browser: Browser, running: Set, query: str | None = None, **but: str
) -> Page:
    """Sign in by password; whatever page comes next."""
    page = await browser.get(f"/sign-in?{query or running.query()}")
    world = running.world
    typed = {"email": world.email, "password": world.password, **but}
    return await browser.submit(page, typed, action="/sign-in")


async def tokens(running: Set, browser: Browser, location: str) -> dict[str, object]:
    """Exchange the code of a redirect, as the clinic's server does."""
    world = running.world
    body = {
        "token": {
            "grant_type": "authorization_code",
            "client_id": str(world.client_id),
            "client_secret": world.client_secret,
            "code": parse_qs(urlsplit(location).query)["code"][0],
            "redirect_uri": world.redirect_uri,
        }
    }
    async with browser.session.post(f"{running.public}/oauth/tokens", json=body) as answer:
        assert answer.status == 201, await answer.text()
        data: dict[str, object] = (await answer.json())["data"]
        return data
