"""Sessions: one of its own a sign-in, sealed, bounded, and gone after sign-out."""

from datetime import timedelta
from http.cookies import SimpleCookie
from uuid import UUID

from services.auth_web import app as auth_web
from services.auth_web.settings import Settings
from tests.integration.auth_web.walking import sign_in
from tests.pages import Browser
from tests.signing_in import Set

COOKIE = "__Host-mithril-auth"


async def test_the_cookie_is_for_this_host_alone_and_no_script_reads_it(
    browser: Browser, running: Set
) -> None:
    await sign_in(browser, running)
    lines = [line for line in browser.set_cookies if line.startswith(f"{COOKIE}=")]
    assert lines
    for line in lines:
        morsel = SimpleCookie(line)[COOKIE]
        assert morsel["secure"] is True
        assert morsel["httponly"] is True
        assert morsel["samesite"] == "Lax"
        assert morsel["path"] == "/"
        assert morsel["domain"] == ""
        assert 0 < int(morsel["max-age"]) <= 3600
        assert running.world.email not in line


async def test_a_session_that_was_planted_before_the_sign_in_is_worth_nothing_after(
    browser: Browser, running: Set
) -> None:
    await browser.get(f"/sign-in?{running.query()}")
    planted = browser.cookies[COOKIE]
    await sign_in(browser, running)
    assert browser.cookies[COOKIE] != planted
    thief = Browser(browser.session, running.url)
    thief.cookies[COOKIE] = planted
    assert "You are signed in" not in (await thief.get("/")).text


async def test_the_token_of_a_form_is_another_after_the_sign_in(
    browser: Browser, running: Set
) -> None:
    await running.forget_consents()
    before = await browser.get(f"/sign-in?{running.query()}")
    after = await sign_in(browser, running)
    assert before.form().values["csrf"] != after.form("/consent").values["csrf"]


async def test_a_session_ends_by_itself(browser: Browser, running: Set) -> None:
    await sign_in(browser, running)
    assert "You are signed in" in (await browser.get("/")).text
    running.clock.advance(timedelta(hours=1))
    assert "You are signed in" not in (await browser.get("/")).text


async def test_after_sign_out_no_page_shows_anything_private_and_the_token_is_dead(
    browser: Browser, running: Set
) -> None:
    await sign_in(browser, running)
    stolen = browser.cookies[COOKIE]
    private = await browser.get("/approvals")
    assert private.headers["Cache-Control"] == "no-store"
    home = await browser.get("/")
    assert home.headers["Cache-Control"] == "no-store"
    page = await browser.submit(home, action="/sign-out")
    assert "You are signed out." in page.text
    assert (await browser.get("/approvals")).path == "/sign-in"
    browser.cookies[COOKIE] = stolen
    back = await browser.get("/approvals")
    assert back.path == "/sign-in"
    assert "Clinic" not in back.text


async def test_a_link_alone_does_not_sign_out(browser: Browser, running: Set) -> None:
    await sign_in(browser, running)
    question = await browser.get("/sign-out")
    assert "Sign out?" in question.text
    assert "You are signed in" in (await browser.get("/")).text


async def test_cookies_of_another_deployment_are_no_session_here(
    browser: Browser, running: Set
) -> None:
    await sign_in(browser, running)
    ours = browser.cookies[COOKIE]
    for but in (
        {"cookie_keys": ("another-key-of-cookies",)},
        {"client_id": str(UUID(int=1))},
    ):
        settings = running.pages.deps.settings.model_copy(
            update={"cookie_keys": running.pages.deps.settings.cookie_keys}
        )
        values = {**settings.model_dump(), **but}
        other = auth_web.build(Settings(**values), clock=running.clock)
        sealed = other.deps.sessions.sealer.seal(
            "session", b"{}", expires_at=running.clock.now() + timedelta(hours=1)
        )
        browser.cookies[COOKIE] = sealed
        page = await browser.get(f"/sign-in?{running.query()}")
        assert page.status == 200
        assert page.path == "/sign-in"
    for junk in ("x", "a" * 5000, "=", "%00"):
        browser.cookies[COOKIE] = junk
        assert (await browser.get("/")).status == 200
    browser.cookies[COOKIE] = ours
    assert "You are signed in" in (await browser.get("/")).text


async def test_a_cookie_sealed_under_the_former_key_still_opens(
    browser: Browser, running: Set
) -> None:
    await sign_in(browser, running)
    sealed = browser.cookies[COOKIE]
    values = running.pages.deps.settings.model_dump()
    keys = ("the-next-key-of-cookies", *values["cookie_keys"])
    rotated = auth_web.build(
        Settings(**{**values, "cookie_keys": keys}), clock=running.clock
    )
    sealer = rotated.deps.sessions.sealer
    assert sealer.open("session", sealed, now=running.clock.now()) is not None
