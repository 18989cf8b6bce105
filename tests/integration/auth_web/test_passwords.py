"""Passwords: changed after a sign-in for it, or set anew by a mailed link."""

import re
from datetime import timedelta

from tests.integration.auth_web.walking import PHONE, sign_in
from tests.pages import Browser, Page
from tests.signing_in import Set

NEW = "Another-Horse-10"


async def _to_change(browser: Browser, running: Set) -> Page:
    page = await browser.get(f"/update-password?{running.query()}")
    world = running.world
    typed = {"email": world.email, "password": world.password}
    return await browser.submit(page, typed, action="/update-password")


async def _mailed(browser: Browser, running: Set, query: str = "to=account") -> str:
    page = await browser.get(f"/reset?{query}")
    sent = await browser.submit(page, {"email": running.world.email}, action="/reset")
    assert "If we know that address" in sent.text
    await running.deliver()
    found = re.search(r"http://localhost:8085(/reset/\S+)", running.said("mail")[0])
    assert found is not None
    return found[1]


async def test_a_password_is_changed_and_every_session_ends(
    browser: Browser, running: Set
) -> None:
    elsewhere = Browser(browser.session, running.url)
    await sign_in(elsewhere, running)
    page = await _to_change(browser, running)
    assert page.path == "/update-password/new"
    done = await browser.submit(page, {"password": NEW, "repeated": NEW})
    assert done.path == "/update-password/done"
    assert any(link.startswith("/sign-in?client_id=") for link in done.links)
    assert (await elsewhere.get("/approvals")).path == "/sign-in"
    assert (await sign_in(browser, running)).alert == "Wrong e-mail or password."
    assert (await sign_in(browser, running, password=NEW)).status == 303


async def test_a_second_factor_is_asked_for_before_a_change(
    browser: Browser, running: Set
) -> None:
    await running.add_phone(PHONE)
    page = await _to_change(browser, running)
    assert page.path == "/sign-in/code"
    page = await browser.submit(page, {"otp": running.code()}, action="/sign-in/code")
    assert page.path == "/update-password/new"


async def test_the_rules_of_passwords_are_said_at_the_field(
    browser: Browser, running: Set
) -> None:
    page = await _to_change(browser, running)
    same = running.world.password
    for first, second, words in (
        ("", "", "Fill this in."),
        (NEW, NEW + "1", "The passwords differ."),
        ("Short-1", "Short-1", "At least 12 characters."),
        ("all-small-letters", "all-small-letters", "Capital and small letters"),
        (same, same, "This password was used recently."),
    ):
        page = await browser.submit(page, {"password": first, "repeated": second})
        assert page.status == 422
        assert words in page.text
        assert not first or first not in page.body


async def test_a_mailed_link_sets_a_new_password_once(
    browser: Browser, running: Set
) -> None:
    link = await _mailed(browser, running)
    for _ in range(2):  # scanners of mail open links
        page = await browser.get(link)
        assert page.status == 200
    done = await browser.submit(page, {"password": NEW, "repeated": NEW})
    assert done.path == "/update-password/done"
    assert (await sign_in(browser, running, password=NEW)).status == 303
    twice = await browser.submit(
        await browser.get(link), {"password": NEW + "1", "repeated": NEW + "1"}
    )
    assert twice.status == 404
    assert "The link does not work" in twice.text


async def test_a_link_that_is_25_minutes_old_or_made_up_does_not_work(
    browser: Browser, running: Set
) -> None:
    link = await _mailed(browser, running)
    running.clock.advance(timedelta(minutes=25))
    for path in (
        link,
        "/reset/" + "a" * 32,
        "/reset/..%2F..%2Fadmin",
        "/reset/%F0%9F%92%A9",
    ):
        page = await browser.get(path)
        page = await browser.submit(page, {"password": NEW, "repeated": NEW})
        assert page.status == 404
        assert "The link does not work" in page.text
        assert any(link.startswith("/reset?") for link in page.links)


async def test_the_same_page_follows_for_an_address_that_nobody_has(
    browser: Browser, running: Set
) -> None:
    page = await browser.get("/reset?to=account")
    known = await browser.submit(page, {"email": running.world.email}, action="/reset")
    unknown = await browser.submit(page, {"email": "nobody@clinic.test"}, action="/reset")
    assert known.text == unknown.text
    assert known.status == unknown.status == 200
    wrong = await browser.submit(page, {"email": "no address"}, action="/reset")
    assert "This is no e-mail address." in wrong.text


async def test_after_recovery_the_way_leads_on_to_the_client(
    browser: Browser, running: Set
) -> None:
    link = await _mailed(browser, running, running.query())
    page = await browser.get(link)
    done = await browser.submit(page, {"password": NEW, "repeated": NEW})
    (on,) = (link for link in done.links if link.startswith("/sign-in?client_id="))
    assert (await browser.get(on)).status == 200


async def test_the_value_of_a_link_goes_to_no_other_site(
    browser: Browser, running: Set
) -> None:
    page = await browser.get("/reset/" + "a" * 32)
    assert page.headers["Referrer-Policy"] == "same-origin"
    assert page.headers["Cache-Control"] == "no-store"


async def test_too_many_askings_are_told_when_to_try_again(
    browser: Browser, running: Set
) -> None:
    page = await browser.get("/reset?to=account")
    for _ in range(6):
        answer = await browser.submit(page, {"email": "a@clinic.test"}, action="/reset")
    assert answer.status == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert "Try again in" in answer.alert
    assert answer.form("/reset").values["email"] == "a@clinic.test"
