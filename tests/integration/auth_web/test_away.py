"""mithril-api away, and pages beyond it."""

from aiohttp import web
from aiohttp.test_utils import TestServer

from services.auth_web import app as auth_web
from services.auth_web.settings import Settings
from tests.integration.auth_web.walking import PHONE, sign_in
from tests.pages import Browser, Page
from tests.signing_in import Set


async def _gone(running: Set) -> None:
    for server in running.api_servers:
        await server.close()


async def test_a_page_that_needs_mithril_api_says_that_it_is_away(
    browser: Browser, running: Set
) -> None:
    await sign_in(browser, running)
    await _gone(running)
    for path in (f"/consent?{running.query()}", "/approvals", "/factors"):
        page = await browser.get(path)
        assert page.status == 503
        assert page.headers["Retry-After"] == "5"
        assert "temporarily unavailable" in page.text
    assert (await browser.get("/")).status == 200


async def test_what_was_typed_is_kept_while_mithril_api_is_away_but_not_secrets(
    browser: Browser, running: Set
) -> None:
    page = await browser.get(f"/sign-in?{running.query()}")
    change = await browser.get("/update-password?to=account")
    reset = await browser.get("/reset?to=account")
    await _gone(running)
    world = running.world
    typed = {"email": world.email, "password": world.password}

    async def kept(page: Page, action: str) -> None:
        answer = await browser.submit(page, typed, action=action)
        assert answer.status == 503
        assert answer.form(action).values["email"] == world.email
        assert world.password not in answer.body
        assert "temporarily unavailable" in answer.alert

    await kept(page, "/sign-in")
    await kept(change, "/update-password")
    await kept(reset, "/reset")


async def test_a_code_may_be_sent_again_when_mithril_api_is_back(
    browser: Browser, running: Set
) -> None:
    await running.add_phone(PHONE)
    page = await sign_in(browser, running)
    await _gone(running)
    answer = await browser.submit(page, {"otp": running.code()}, action="/sign-in/code")
    assert answer.status == 503
    assert answer.form("/sign-in/code").buttons == []
    resent = await browser.submit(page, action="/sign-in/code/resend")
    assert resent.status == 200  # not yet due, and so not asked


async def test_signing_out_is_not_claimed_while_the_token_lives(
    browser: Browser, running: Set
) -> None:
    await sign_in(browser, running)
    home = await browser.get("/")
    await _gone(running)
    answer = await browser.submit(home, action="/sign-out")
    assert answer.status == 503


async def test_an_answer_that_cannot_be_read_is_as_good_as_none(
    browser: Browser, running: Set
) -> None:
    answers = [
        ("<html>", 200),
        ("<html>", 502),
        ("[]", 200),
        ('{"data": {"name": 5}}', 200),
        ('{"error": {"type": "access_denied"}}', 401),
    ]
    for body, status in answers:

        async def garbled(_: web.Request, b: str = body, s: int = status) -> web.Response:
            return web.Response(text=b, status=s)

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", garbled)
        async with TestServer(app) as odd:
            at = str(odd.make_url("")).rstrip("/")
            values = running.pages.deps.settings.model_dump()
            values |= {"mithril_api_url": at, "mithril_api_public_url": at}
            built = auth_web.build(Settings(**values), clock=running.clock)
            async with TestServer(built.public) as server:
                url = str(server.make_url("")).rstrip("/")
                page = await Browser(browser.session, url).get(
                    f"/sign-in?{running.query()}"
                )
                assert page.status == 503
