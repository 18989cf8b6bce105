"""reCAPTCHA on the forms that take a password, where it is configured."""

import re
from collections.abc import AsyncIterator

import aiohttp
import pytest

from services.auth_web.domain.captcha import VENDORS_SCRIPT
from services.emulators.domain.faults import Fault
from tests.fakes import SteppingClock
from tests.integration.auth_web.walking import sign_in
from tests.pages import Browser, Page
from tests.signing_in import Set, started

VENDOR = "https://www.google.com/recaptcha/"
FORMS = ("/sign-in", "/update-password")


@pytest.fixture
async def guarded(mithril_database: str, clock: SteppingClock) -> AsyncIterator[Set]:
    """The set, with captcha on at both ends, its widget the vendor's."""
    async with started(
        mithril_database, clock, captcha=True, recaptcha_script_url=VENDORS_SCRIPT
    ) as made:
        yield made


@pytest.fixture
def visitor(guarded: Set, http: aiohttp.ClientSession) -> Browser:
    return Browser(http, guarded.url)


def _policy(page: Page) -> dict[str, str]:
    policy = page.headers["Content-Security-Policy"]
    parts = (part.strip().partition(" ") for part in policy.split(";"))
    return {name: value for name, _, value in parts}


async def _submit(visitor: Browser, guarded: Set, path: str, **but: str) -> Page:
    page = await visitor.get(f"{path}?{guarded.query()}")
    world = guarded.world
    typed = {"email": world.email, "password": world.password, **but}
    return await visitor.submit(page, typed, action=path)


def _answer(value: str) -> dict[str, str]:
    return {"g-recaptcha-response": value}


@pytest.mark.parametrize("path", FORMS)
async def test_the_form_has_the_widget_and_its_page_alone_allows_it(
    visitor: Browser, guarded: Set, path: str
) -> None:
    page = await visitor.get(f"{path}?{guarded.query()}")
    assert '<div class="g-recaptcha" data-sitekey="site-key"></div>' in page.body
    (script,) = re.findall(r"<script [^>]*>", page.body)
    policy = _policy(page)
    nonce = policy["style-src"].removeprefix("'nonce-").removesuffix("'")
    assert script == (f'<script src="{VENDOR}api.js?hl=en" nonce="{nonce}" async defer>')
    assert policy["script-src"] == (
        f"'nonce-{nonce}' {VENDOR} https://www.gstatic.com/recaptcha/"
    )
    assert policy["frame-src"] == f"{VENDOR} https://recaptcha.google.com/recaptcha/"
    assert policy["default-src"] == policy["connect-src"] == "'none'"
    assert "unsafe" not in page.headers["Content-Security-Policy"]


async def test_no_other_page_allows_anything_more(visitor: Browser, guarded: Set) -> None:
    for path in (f"/reset?{guarded.query()}", "/sign-in", "/nowhere"):
        page = await visitor.get(path)
        policy = _policy(page)
        assert "frame-src" not in policy
        assert policy["script-src"] == policy["style-src"]
        assert "recaptcha" not in page.body + page.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", FORMS)
async def test_a_person_is_let_through(visitor: Browser, guarded: Set, path: str) -> None:
    page = await _submit(visitor, guarded, path, **_answer("a person"))
    if path == "/sign-in":
        assert page.location.startswith(f"{guarded.world.redirect_uri}?code=")
    else:
        assert page.path == "/update-password/new"


@pytest.mark.parametrize("path", FORMS)
async def test_what_is_not_ticked_is_said_at_the_box_and_the_address_stays(
    visitor: Browser, guarded: Set, path: str
) -> None:
    page = await _submit(visitor, guarded, path)
    assert page.status == 422
    assert page.alert.startswith("Check the marked fields.")
    assert "Confirm that you are no robot." in page.text
    assert 'tabindex="-1" autofocus aria-describedby="captcha-problem"' in page.body
    assert page.form(path).values["email"] == guarded.world.email
    assert guarded.world.password not in page.body
    assert "g-recaptcha" in page.body
    assert "frame-src" in _policy(page)


async def test_a_stale_form_has_the_widget_again(visitor: Browser, guarded: Set) -> None:
    page = await visitor.get(f"/sign-in?{guarded.query()}")
    visitor.cookies.clear()
    again = await visitor.submit(page, _answer("a person"), action="/sign-in")
    assert again.status == 403
    assert "g-recaptcha" in again.body
    assert "frame-src" in _policy(again)


@pytest.mark.parametrize("answer", ["bad", "robot"])
async def test_a_refused_answer_is_said_in_words_and_asked_for_again(
    visitor: Browser, guarded: Set, answer: str
) -> None:
    page = await _submit(visitor, guarded, "/sign-in", **_answer(answer))
    assert page.status == 403
    assert page.alert.startswith("The reCAPTCHA check was not passed.")
    assert "g-recaptcha" in page.body
    assert "frame-src" in _policy(page)


async def test_while_the_verifier_is_away_the_page_says_so(
    visitor: Browser, guarded: Set
) -> None:
    guarded.outside.deps.faults["recaptcha"] = Fault(status=503)
    page = await _submit(visitor, guarded, "/sign-in", **_answer("a person"))
    assert page.alert.startswith("reCAPTCHA cannot be checked at the moment.")


async def test_who_has_no_script_is_told_in_their_language(
    visitor: Browser, guarded: Set
) -> None:
    page = await visitor.get(f"/sign-in?{guarded.query()}")
    assert "<noscript><p" in page.body
    assert "you are no robot, which needs JavaScript" in page.text
    page = await visitor.get(f"/sign-in?{guarded.query()}&lang=uk")
    assert "для цього потрібен JavaScript" in page.text
    assert "api.js?hl=uk" in page.body


async def test_where_none_is_configured_there_is_none_and_none_is_asked(
    browser: Browser, running: Set
) -> None:
    for path in FORMS:
        page = await browser.get(f"{path}?{running.query()}")
        assert "recaptcha" not in page.body + page.headers["Content-Security-Policy"]
        assert "<script" not in page.body
        assert "frame-src" not in _policy(page)
    assert (await sign_in(browser, running)).status == 303
