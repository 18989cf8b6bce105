"""Forms that only our own pages can send, and that lose nothing typed."""

from datetime import timedelta

from tests.integration.auth_web.walking import PHONE, sign_in
from tests.pages import Browser
from tests.signing_in import Set


async def test_a_form_of_another_site_is_refused_whatever_it_carries(
    browser: Browser, running: Set
) -> None:
    page = await browser.get(f"/sign-in?{running.query()}")
    typed = {"email": running.world.email, "password": running.world.password}
    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        answer = await browser.submit(page, typed, action="/sign-in", headers=headers)
        assert answer.status == 403
        assert "The form came from another site" in answer.text
        assert "Set-Cookie" not in answer.headers
    for origin in ("https://evil.test", "null", "https://[", f"{browser.base}.evil.test"):
        answer = await browser.submit(
            page,
            typed,
            action="/sign-in",
            without=("Sec-Fetch-Site",),
            headers={"Origin": origin},
        )
        assert answer.status == 403
    assert (await browser.get("/")).text.count(running.world.email) == 0


async def test_an_old_browser_is_judged_by_its_origin(
    browser: Browser, running: Set
) -> None:
    page = await browser.get(f"/sign-in?{running.query()}")
    typed = {"email": running.world.email, "password": running.world.password}
    answer = await browser.submit(
        page, typed, action="/sign-in", without=("Sec-Fetch-Site",)
    )
    assert answer.status == 303


async def test_a_form_without_the_token_of_its_session_does_nothing_and_loses_nothing(
    browser: Browser, running: Set
) -> None:
    page = await browser.get(f"/sign-in?{running.query()}")
    typed = {"email": running.world.email, "password": running.world.password}
    for token in ("", "0" * 32, "щось"):
        answer = await browser.submit(page, {**typed, "csrf": token}, action="/sign-in")
        assert answer.status == 403
        assert answer.form("/sign-in").values["email"] == running.world.email
        assert running.world.password not in answer.body
        assert "nothing was done" in answer.alert


async def test_a_session_that_expired_under_a_form_loses_nothing_typed(
    browser: Browser, running: Set
) -> None:
    page = await browser.get(f"/sign-in?{running.query()}")
    running.clock.advance(timedelta(hours=2))
    typed = {"email": running.world.email, "password": running.world.password}
    again = await browser.submit(page, typed, action="/sign-in")
    assert again.form("/sign-in").values["email"] == running.world.email
    done = await browser.submit(
        again, {"password": running.world.password}, action="/sign-in"
    )
    assert done.status == 303


async def test_a_number_typed_in_an_expired_session_is_there_after_the_next_sign_in(
    browser: Browser, running: Set
) -> None:
    await running.add_phone(None)
    page = await sign_in(browser, running)
    assert page.path == "/sign-in/set-up"
    running.clock.advance(timedelta(hours=2))
    page = await browser.submit(page, {"factor": "050 123 45 67"}, action="/sign-in/set-up")
    assert page.path == "/sign-in"
    assert "The session is over." in page.text
    typed = {"email": running.world.email, "password": running.world.password}
    page = await browser.submit(page, typed, action="/sign-in")
    assert page.path == "/sign-in/set-up"
    assert page.form("/sign-in/set-up").values["factor"] == "050 123 45 67"


async def test_a_form_that_is_open_in_two_tabs_works_in_both(
    browser: Browser, running: Set
) -> None:
    first = await browser.get(f"/sign-in?{running.query()}")
    second = await browser.get(f"/sign-in?{running.query(scope='person:read')}")
    typed = {"email": running.world.email, "password": running.world.password}
    assert (await browser.submit(second, typed, action="/sign-in")).status == 303
    stale = await browser.submit(first, typed, action="/sign-in")
    assert stale.form("/sign-in").values["email"] == running.world.email
    done = await browser.submit(stale, typed, action="/sign-in")
    assert done.status == 303


async def test_a_code_that_is_used_in_two_tabs_works_once(
    browser: Browser, running: Set
) -> None:
    await running.add_phone(PHONE)
    first = await sign_in(browser, running)
    second = await browser.get(first.url.removeprefix(browser.base))
    code = running.code()
    done = await browser.submit(first, {"otp": code}, action="/sign-in/code")
    assert done.status == 303
    twice = await browser.submit(second, {"otp": code}, action="/sign-in/code")
    assert twice.location.startswith(running.world.redirect_uri)  # for it is signed in
    assert twice.location != done.location
    assert "You are signed in" in (await browser.get("/")).text


async def test_a_code_that_was_used_signs_nobody_else_in(
    browser: Browser, running: Set
) -> None:
    await running.add_phone(PHONE)
    page = await sign_in(browser, running)
    thief = Browser(browser.session, running.url)
    thief.cookies = dict(browser.cookies)
    watched = await thief.get(f"/sign-in/code?{running.query()}")
    await browser.submit(page, {"otp": running.code()}, action="/sign-in/code")
    late = await thief.submit(watched, {"otp": running.code()}, action="/sign-in/code")
    assert late.path == "/sign-in"
    assert "You are signed in" not in (await thief.get("/")).text


async def test_a_form_that_is_no_form_is_a_page_that_says_so(
    browser: Browser, running: Set
) -> None:
    url = f"{running.url}/sign-in?{running.query()}"
    headers = {"Sec-Fetch-Site": "same-origin", "Accept-Language": "en"}
    bodies = [
        ("application/json", b"{}", 415),
        ("application/x-www-form-urlencoded", b"\xff", 400),
        ("application/x-www-form-urlencoded", b"email=%ff", 400),
        ("application/x-www-form-urlencoded", b"email=%00", 400),
        ("application/x-www-form-urlencoded", b"&".join([b"a=1"] * 300), 400),
        ("application/x-www-form-urlencoded", b"a=" + b"b" * 70_000, 413),
        ("multipart/form-data", b"x", 400),
        ("multipart/form-data; boundary=b", b"x", 400),
    ]
    for kind, body, status in bodies:
        async with browser.session.post(
            url, data=body, headers={**headers, "Content-Type": kind}
        ) as answer:
            assert answer.status == status, (kind, body[:20])
            assert answer.content_type == "text/html"
