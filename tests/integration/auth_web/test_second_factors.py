"""A second factor: by SMS, by an app, chosen among several, and set up."""

from datetime import timedelta

import pyotp

from tests.integration.auth_web.walking import PHONE, sign_in, tokens
from tests.pages import Browser, Page
from tests.signing_in import Set


async def _with_app(browser: Browser, running: Set) -> tuple[str, Page]:
    """Add an authenticator app to a fresh session: its secret, and the page after."""
    await sign_in(browser, running, "to=factors")
    page = await browser.get("/sign-in/set-up?to=factors")
    page = await browser.submit(page, {"type": "TOTP"}, action="/sign-in/set-up")
    secret = page.body.split('<code class="secret">')[1].split("</code>")[0]
    secret = secret.replace(" ", "")
    return secret, await _confirm(browser, running, page, secret)


async def _confirm(browser: Browser, running: Set, page: Page, secret: str) -> Page:
    code = pyotp.TOTP(secret).at(running.clock.now())
    return await browser.submit(page, {"otp": code}, action="/sign-in/set-up/confirm")


async def test_a_user_with_a_number_signs_in_by_the_code_that_was_sent(
    browser: Browser, running: Set
) -> None:
    await running.add_phone(PHONE)
    page = await sign_in(browser, running)
    assert page.path == "/sign-in/code"
    assert "67" in page.text
    assert PHONE not in page.body
    assert 'autocomplete="one-time-code"' in page.body
    answer = await browser.submit(page, {"otp": running.code()}, action="/sign-in/code")
    data = await tokens(running, browser, answer.location)
    assert data["name"] == "access_token"


async def test_a_password_alone_opens_nothing_where_there_is_a_second_factor(
    browser: Browser, running: Set
) -> None:
    await running.add_phone(PHONE)
    await sign_in(browser, running)
    for path in (f"/consent?{running.query()}", "/approvals", "/factors"):
        assert (await browser.get(path)).path == "/sign-in"


async def test_a_wrong_code_may_be_corrected_and_words_are_no_code(
    browser: Browser, running: Set
) -> None:
    await running.add_phone(PHONE)
    page = await sign_in(browser, running)
    wrong = str(int(running.code()) % 899_999 + 100_000)
    page = await browser.submit(page, {"otp": wrong}, action="/sign-in/code")
    assert page.status == 422
    assert page.alert == "The code is wrong."
    page = await browser.submit(page, {"otp": "слово"}, action="/sign-in/code")
    assert "A code is made of digits." in page.text
    grouped = f" {running.code()[:3]} {running.code()[3:]}"
    answer = await browser.submit(page, {"otp": grouped}, action="/sign-in/code")
    assert answer.status == 303


async def test_another_code_is_sent_when_its_time_has_come_and_not_before(
    browser: Browser, running: Set
) -> None:
    await running.add_phone(PHONE)
    page = await sign_in(browser, running)
    assert "Another code can be sent in 30 s." in page.text
    page = await browser.submit(page, action="/sign-in/code/resend")
    assert "cannot be sent yet" in page.text
    assert len(running.said("sms")) == 1
    running.clock.advance(timedelta(seconds=30))
    page = await browser.get(f"/sign-in/code?{running.query()}")
    assert "can be sent in" not in page.text
    page = await browser.submit(page, action="/sign-in/code/resend")
    assert "We have sent another code." in page.text
    assert len(running.said("sms")) == 2
    answer = await browser.submit(page, {"otp": running.code()}, action="/sign-in/code")
    assert answer.status == 303


async def test_a_user_without_a_number_sets_one_up_and_goes_on_to_the_client(
    browser: Browser, running: Set
) -> None:
    await running.add_phone(None)
    page = await sign_in(browser, running)
    assert page.path == "/sign-in/set-up"
    wrong = await browser.submit(page, {"factor": "12"}, action="/sign-in/set-up")
    assert "A Ukrainian mobile number is needed." in wrong.text
    assert wrong.form("/sign-in/set-up").values["factor"] == "12"
    page = await browser.submit(
        wrong, {"factor": "050 123-45-67"}, action="/sign-in/set-up"
    )
    assert page.path == "/sign-in/set-up/confirm"
    assert PHONE in page.text
    answer = await browser.submit(
        page, {"otp": running.code()}, action="/sign-in/set-up/confirm"
    )
    data = await tokens(running, browser, answer.location)
    assert data["name"] == "access_token"


async def test_an_app_is_added_by_its_secret_and_then_signs_in(
    browser: Browser, running: Set
) -> None:
    secret, page = await _with_app(browser, running)
    assert page.path == "/factors"
    assert "The second factor has been added." in page.text
    assert "Code of an authenticator app" in page.text
    running.clock.advance(timedelta(seconds=60))
    other = Browser(browser.session, running.url)
    page = await sign_in(other, running)
    assert "that your authenticator app shows" in page.text
    assert "/sign-in/code/resend" not in page.body
    code = pyotp.TOTP(secret).at(running.clock.now())
    answer = await other.submit(page, {"otp": code}, action="/sign-in/code")
    assert answer.location.startswith(running.world.redirect_uri)


async def test_the_page_of_a_new_app_shows_its_secret_as_a_drawing_and_as_text(
    browser: Browser, running: Set
) -> None:
    await sign_in(browser, running, "to=factors")
    page = await browser.get("/sign-in/set-up?to=factors")
    page = await browser.submit(page, {"type": "TOTP"}, action="/sign-in/set-up")
    assert 'role="img" aria-label="QR code of the secret for the app"><svg' in page.body
    assert 'style="' not in page.body
    wrong = await browser.submit(page, {"otp": "000000"}, action="/sign-in/set-up/confirm")
    assert wrong.alert == "The code is wrong."
    assert "<svg" in wrong.body


async def test_a_user_with_several_factors_may_choose(
    browser: Browser, running: Set
) -> None:
    secret, _ = await _with_app(browser, running)
    await running.add_phone(PHONE)
    running.clock.advance(timedelta(seconds=60))
    other = Browser(browser.session, running.url)
    page = await sign_in(other, running)
    choice = await other.get(
        next(link for link in page.links if link.startswith("/sign-in/factor"))
    )
    assert "Code by SMS" in choice.text
    assert "Code of an authenticator app" in choice.text
    forms = [
        form for form in choice.seen.forms if form.action.startswith("/sign-in/factor")
    ]
    unknown = await other.submit(choice, {"factor_id": "x"}, action="/sign-in/factor")
    assert unknown.alert == "It is no longer there."
    page = await other.submit(
        choice, {"factor_id": forms[1].values["factor_id"]}, action="/sign-in/factor"
    )
    assert "that your authenticator app shows" in page.text
    code = pyotp.TOTP(secret).at(running.clock.now())
    answer = await other.submit(page, {"otp": code}, action="/sign-in/code")
    assert answer.location.startswith(running.world.redirect_uri)


async def test_a_factor_is_removed_after_a_question(browser: Browser, running: Set) -> None:
    await _with_app(browser, running)
    await running.add_phone(PHONE)
    page = await browser.get("/factors")
    first, second = (link for link in page.links if link.endswith("/remove"))
    question = await browser.get(first)
    assert "Remove the factor?" in question.text
    page = await browser.submit(question, action="/factors/")
    assert "The factor is removed." in page.text
    last = await browser.submit(await browser.get(second), action="/factors/")
    assert last.status == 403
    assert "The last factor cannot be removed." in last.text
    assert (await browser.get(first)).status == 404


async def test_a_change_of_factors_long_after_the_sign_in_needs_another_one(
    browser: Browser, running: Set
) -> None:
    await sign_in(browser, running, "to=factors")
    running.clock.advance(timedelta(seconds=601))
    page = await browser.get("/sign-in/set-up?to=factors")
    page = await browser.submit(page, {"type": "TOTP"}, action="/sign-in/set-up")
    assert page.path == "/sign-in"
    assert "Sign in again to do this." in page.text
    assert page.form("/sign-in").values["email"] == running.world.email
    page = await browser.submit(
        page, {"password": running.world.password}, action="/sign-in"
    )
    assert page.path == "/factors"
    page = await browser.get("/sign-in/set-up?to=factors")
    page = await browser.submit(page, {"type": "TOTP"}, action="/sign-in/set-up")
    assert page.path == "/sign-in/set-up/confirm"


async def test_a_passkey_page_on_a_host_of_numbers_says_where_passkeys_work(
    browser: Browser, running: Set
) -> None:
    await sign_in(browser, running, "to=factors")
    page = await browser.get("/sign-in/set-up?to=factors")
    page = await browser.submit(page, {"type": "WEBAUTHN"}, action="/sign-in/set-up")
    assert "Passkeys do not work at this address." in page.text
    assert any(link.startswith("http://localhost:8085/sign-in?") for link in page.links)
    assert "passkey.js" not in page.body
    assert "data-options" not in page.body


async def test_steps_out_of_order_begin_at_the_beginning(
    browser: Browser, running: Set
) -> None:
    for path in (
        "/sign-in/code",
        "/sign-in/factor",
        "/sign-in/passkey",
        "/sign-in/set-up",
        "/sign-in/set-up/confirm",
        "/consent",
        "/update-password/new",
    ):
        page = await browser.get(f"{path}?{running.query()}")
        assert page.path in {"/sign-in", "/update-password"}, path


async def test_a_sign_in_that_waited_too_long_for_its_code_begins_again(
    browser: Browser, running: Set
) -> None:
    await running.add_phone(PHONE)
    page = await sign_in(browser, running)
    running.clock.advance(timedelta(minutes=50))
    late = await browser.submit(page, {"otp": running.code()}, action="/sign-in/code")
    assert late.alert == "The code has expired. Get another."
    running.clock.advance(timedelta(minutes=20))
    over = await browser.submit(page, {"otp": running.code()}, action="/sign-in/code")
    assert over.path == "/sign-in"
    assert "The session is over." in over.text
