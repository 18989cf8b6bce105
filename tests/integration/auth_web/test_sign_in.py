"""From /sign-in to the client with a code, by password alone."""

from urllib.parse import parse_qsl, urlsplit

from tests.pages import Browser, Page
from tests.signing_in import Set


async def _signed_in(browser: Browser, running: Set, **but: str | None) -> Page:
    page = await browser.get(f"/sign-in?{running.query(**but)}")
    world = running.world
    return await browser.submit(page, {"email": world.email, "password": world.password})


async def test_a_user_signs_in_consents_and_is_led_to_the_client_with_a_code_and_its_state(
    browser: Browser, running: Set
) -> None:
    await running.forget_consents()
    question = await _signed_in(browser, running)
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
    assert len(given["code"]) == 32
