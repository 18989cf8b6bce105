"""A wrong client or redirect never redirects, whatever the trick."""

import itertools
from urllib.parse import quote, urlsplit

from services.auth_web.domain.texts import CATALOGUES
from shared.models.schema import mithril as tables
from tests.pages import Browser
from tests.signing_in import Set

UNKNOWN = "7e0b5a0e-4c4f-4c55-9d0e-2a4f3a3a1d11"
REGISTERED = "https://clinic.test/callback"


_INCOMPLETE: list[tuple[dict[str, str | None], str]] = [
    ({"client_id": None}, "Не вказаний ідентифікатор додатку для авторизації"),
    ({"redirect_uri": None}, "Не вказано адресу зворотнього визову"),
    ({"client_id": "1"}, "Невідомий застосунок"),
    ({"client_id": UNKNOWN}, "Невідомий застосунок"),
    ({"redirect_uri": "https://evil.test/"}, "Неправильна адреса повернення"),
]


async def test_a_link_without_its_parts_says_so_in_the_documented_words(
    browser: Browser, running: Set
) -> None:
    browser.headers["Accept-Language"] = "uk"
    for but, words in _INCOMPLETE:
        page = await browser.get(f"/sign-in?{running.query(**but)}", follow=False)
        assert page.status == 400
        assert words in page.text
        assert "Location" not in page.headers


_TRICKS = [
    "//evil.test",
    "https://evil.test",
    REGISTERED + "/",
    REGISTERED + "?x=1",
    REGISTERED + "#x",
    REGISTERED + "/../evil",
    REGISTERED.upper(),
    "https://clinic.test:443/callback",
    "https://clinic.test.evil.test/callback",
    "https://clinic.test@evil.test/callback",
    r"https://clinic.test\@evil.test/callback",
    r"https://evil.test\.clinic.test/callback",
    "https://evil.test/?u=" + REGISTERED,
    "javascript:alert(1)//" + REGISTERED,
    "data:text/html,<script>alert(1)</script>",
    "http://clinic.test/callback",
    quote(REGISTERED, safe=""),
    quote(quote(REGISTERED, safe=""), safe=""),
    REGISTERED + "\r\nSet-Cookie: a=b",
    REGISTERED + "\x00",
    " " + REGISTERED,
]


async def test_only_the_registered_uri_to_the_letter_is_led_to(
    browser: Browser, running: Set
) -> None:
    paths = ("/sign-in", "/consent", "/sign-in/digital-signature")
    for uri, path in itertools.product(_TRICKS, paths):
        page = await browser.get(f"{path}?{running.query(redirect_uri=uri)}", follow=False)
        assert page.status in {400, 404}
        assert "Location" not in page.headers
        assert {urlsplit(link).netloc for link in page.links} == {""}


async def test_a_client_of_two_values_is_refused(browser: Browser, running: Set) -> None:
    twice = f"/sign-in?{running.query()}&redirect_uri=https%3A%2F%2Fevil.test"
    page = await browser.get(twice, follow=False)
    assert page.status == 400


async def test_a_blocked_client_is_said_to_be_blocked(
    browser: Browser, running: Set
) -> None:
    async with running.api.deps.db.begin() as conn:
        await conn.execute(
            tables.clients.update()
            .where(tables.clients.c.id == running.world.client_id)
            .values(is_blocked=True)
        )
    page = await browser.get(f"/sign-in?{running.query()}", follow=False)
    assert page.status == 403
    assert CATALOGUES["en"]["error.client_blocked.title"] in page.text


_UNREADABLE = [
    "/sign-in?%ff=1",
    "/sign-in?client_id=%C3%28&redirect_uri=x",
    "/sign-in?client_id=%00",
    "/sign-in?" + "&".join(f"a{n}=1" for n in range(100)),
    "/sign-in?to=nowhere",
    "/sign-in?to=//evil.test",
    "/approvals/%00/revoke",
]


async def test_a_query_that_cannot_be_read_is_a_page_that_says_so(
    browser: Browser, running: Set
) -> None:
    for path in _UNREADABLE:
        page = await browser.get(path, follow=False)
        assert page.status == 400, path
        assert CATALOGUES["en"]["error.bad_request.title"] in page.text


async def test_a_page_that_is_not_there_is_a_page(browser: Browser, running: Set) -> None:
    page = await browser.get("/wp-login.php")
    assert page.status == 404
    assert CATALOGUES["en"]["error.not_found.title"] in page.text
    wrong = await browser.get("/sign-in/code/resend")
    assert wrong.status == 405
    assert wrong.headers["Allow"] == "POST"
