"""From /sign-in to the client with a code, by password alone."""

from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

from tests.integration.auth_web.walking import sign_in, tokens
from tests.pages import Browser
from tests.signing_in import Set


async def test_a_user_signs_in_consents_and_is_led_to_the_client_with_a_code_that_exchanges(
    browser: Browser, running: Set
) -> None:
    await running.forget_consents()
    question = await sign_in(browser, running)
    assert question.path == "/consent"
    assert "Clinic" in question.text
    assert "Episodes of care: view" in question.text
    answer = await browser.submit(question, {"answer": "allow"}, action="/consent")
    assert answer.status == 303
    location = urlsplit(answer.location)
    assert f"{location.scheme}://{location.netloc}{location.path}" == (
        running.world.redirect_uri
    )
    given = dict(parse_qsl(location.query))
    assert given["state"] == "a state/+&"
    assert given["iss"] == "https://mithril.test"
    data = await tokens(running, browser, answer.location)
    assert data["name"] == "access_token"


async def test_where_nothing_new_is_asked_there_is_no_question(
    browser: Browser, running: Set
) -> None:
    answer = await sign_in(browser, running)
    assert answer.status == 303
    assert answer.location.startswith(f"{running.world.redirect_uri}?code=")


async def test_only_what_is_new_is_asked(browser: Browser, running: Set) -> None:
    await running.forget_consents()
    first = await sign_in(browser, running, running.query(scope="person:read"))
    await browser.submit(first, {"answer": "allow"}, action="/consent")
    asked = running.query(scope="person:read episode:write")
    second = await browser.get(f"/sign-in?{asked}")
    assert second.path == "/consent"
    assert "Episodes of care: create and change" in second.text
    assert "Patients' data" not in second.text
    assert "Only what you have not yet allowed is shown." in second.text


async def test_a_refusal_leads_back_with_access_denied_and_the_state(
    browser: Browser, running: Set
) -> None:
    await running.forget_consents()
    question = await sign_in(browser, running)
    answer = await browser.submit(question, {"answer": "deny"}, action="/consent")
    assert answer.status == 303
    assert answer.location == (
        f"{running.world.redirect_uri}?error=access_denied&state=a+state%2F%2B%26"
    )


async def test_who_is_signed_in_goes_straight_to_consent(
    browser: Browser, running: Set
) -> None:
    await running.forget_consents()
    await sign_in(browser, running)
    assert (await browser.get(f"/sign-in?{running.query()}")).path == "/consent"


async def test_another_account_may_be_used_from_the_consent_page(
    browser: Browser, running: Set
) -> None:
    await running.forget_consents()
    question = await sign_in(browser, running)
    page = await browser.submit(question, action="/sign-out")
    assert page.path == "/sign-in"
    assert "You are signed out." in page.text
    again = await browser.get(f"/consent?{running.query()}")
    assert again.path == "/sign-in"


async def test_a_wrong_password_keeps_the_address_and_says_no_more_than_an_unknown_one(
    browser: Browser, running: Set
) -> None:
    wrong = await sign_in(browser, running, password="Wrong-Horse-9")
    unknown = await sign_in(browser, running, email="nobody@clinic.test")
    assert wrong.status == unknown.status == 422
    assert wrong.alert == unknown.alert == "Wrong e-mail or password."
    assert wrong.form("/sign-in").values["email"] == running.world.email
    assert "Wrong-Horse-9" not in wrong.body
    assert wrong.title.startswith("Error: ")


async def test_empty_fields_are_marked_and_linked_to_what_is_wrong(
    browser: Browser, running: Set
) -> None:
    page = await sign_in(browser, running, email="", password="")
    assert page.status == 422
    for name in ("email", "password"):
        assert f'aria-describedby="{name}-problem"' in page.body
        assert f'id="{name}-problem">Fill this in.' in page.body
    assert page.body.count('aria-invalid="true"') == 2


async def test_the_address_of_the_query_is_typed_for_the_user(
    browser: Browser, running: Set
) -> None:
    page = await browser.get(f"/sign-in?{running.query(email='doctor@clinic.test')}")
    assert page.form("/sign-in").values["email"] == "doctor@clinic.test"


async def test_an_expired_password_leads_to_its_change(
    browser: Browser, running: Set
) -> None:
    running.clock.advance(timedelta(days=91))
    page = await sign_in(browser, running)
    assert page.alert.startswith("The password has expired.")
    assert any(link.startswith("/update-password?client_id=") for link in page.links)


async def test_scopes_beyond_the_roles_are_refused_on_a_page_and_nobody_is_redirected(
    browser: Browser, running: Set
) -> None:
    page = await sign_in(browser, running, running.query(scope="legal_entity:read"))
    assert page.status == 403
    assert page.path == "/consent"
    assert "more than its type allows" in page.text
