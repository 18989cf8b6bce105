"""My approvals: seen, withdrawn after a question, and withdrawn at once."""

from tests.integration.auth_web.walking import sign_in, tokens
from tests.pages import Browser
from tests.signing_in import Set


async def test_an_approval_is_shown_in_words_and_withdrawn_at_once(
    browser: Browser, running: Set
) -> None:
    answer = await sign_in(browser, running)
    data = await tokens(running, browser, answer.location)
    page = await browser.get("/approvals")
    assert "Clinic" in page.text
    assert "Episodes of care: view, create and change" in page.text
    assert f"Allowed on {running.clock.now().date()}" in page.text
    link = next(link for link in page.links if link.endswith("/revoke"))
    question = await browser.get(link)
    assert "Withdraw the approval?" in question.text
    assert "Clinic" in question.text
    done = await browser.submit(question, action="/approvals/")
    assert done.path == "/approvals"
    assert "The approval is withdrawn." in done.text
    assert "You have allowed nothing yet." in done.text
    async with browser.session.post(
        f"{running.public}/auth/logout",
        headers={"Authorization": f"Bearer {data['value']}"},
    ) as ended:
        assert ended.status == 401
    assert (await browser.get(link)).status == 404
    twice = await browser.submit(question, action="/approvals/")
    assert twice.status in {403, 404}


async def test_a_page_of_ours_asks_for_a_sign_in_and_comes_back(
    browser: Browser, running: Set
) -> None:
    for path, title in (("/approvals", "My approvals"), ("/factors", "My factors")):
        browser.cookies.clear()
        page = await browser.get(path)
        assert page.path == "/sign-in"
        typed = {"email": running.world.email, "password": running.world.password}
        page = await browser.submit(page, typed, action="/sign-in")
        assert page.path == path
        assert title in page.title


async def test_somebody_elses_approval_is_not_there(browser: Browser, running: Set) -> None:
    await sign_in(browser, running)
    other = "7e0b5a0e-4c4f-4c55-9d0e-2a4f3a3a1d11"
    for path in (f"/approvals/{other}/revoke", "/approvals/x/revoke"):
        assert (await browser.get(path)).status in {403, 404}
    assert (await browser.get("/approvals?page=9999999999999999999999")).status == 200
