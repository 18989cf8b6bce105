"""What every page carries: its policy, its language, and little weight."""

import gzip
import re

import pytest

from shared.models.schema import mithril as tables
from tests.integration.auth_web.walking import PHONE, sign_in
from tests.pages import Browser, Page
from tests.signing_in import Set

KILOBYTE = 1000


def _directives(page: Page) -> dict[str, str]:
    policy = page.headers["Content-Security-Policy"]
    parts = (part.strip().partition(" ") for part in policy.split(";"))
    return {name: value for name, _, value in parts}


async def test_every_page_has_a_strict_policy_with_a_nonce_of_its_own(
    browser: Browser, running: Set
) -> None:
    nonces = set()
    for path in ("/", f"/sign-in?{running.query()}", "/nowhere", "/sign-in", "/a%00"):
        page = await browser.get(path)
        given = _directives(page)
        assert given["default-src"] == "'none'"
        assert given["frame-ancestors"] == "'none'"
        assert given["base-uri"] == "'none'"
        assert given["connect-src"] == "'none'"
        nonce = given["script-src"].removeprefix("'nonce-").removesuffix("'")
        assert given["style-src"] == f"'nonce-{nonce}'"
        nonces.add(nonce)
        assert "unsafe" not in page.headers["Content-Security-Policy"]
        assert page.headers["X-Frame-Options"] == "DENY"
        assert page.headers["X-Content-Type-Options"] == "nosniff"
        assert page.headers["Referrer-Policy"] == "same-origin"
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["Server"] == "mithril"
        assert page.headers["X-Request-ID"]
        assert not re.search(r"<[^>]+ (on[a-z]+|style)=", page.body)
    assert len(nonces) == 5


async def test_only_pages_of_a_flow_to_a_client_may_lead_out(
    browser: Browser, running: Set
) -> None:
    out = await browser.get(f"/sign-in?{running.query()}")
    assert _directives(out)["form-action"] == "'self' https:"
    own = await browser.get("/sign-in?to=factors")
    assert _directives(own)["form-action"] == "'self'"


async def test_over_https_the_browser_is_told_to_stay_there(
    browser: Browser, running: Set
) -> None:
    plain = await browser.get("/")
    assert "Strict-Transport-Security" not in plain.headers
    page = await browser.get("/", headers={"X-Forwarded-Proto": "https"})
    assert page.headers["Strict-Transport-Security"].startswith("max-age=")


async def test_a_language_is_asked_for_kept_or_preferred(
    browser: Browser, running: Set
) -> None:
    browser.headers.clear()
    assert (await browser.get("/")).lang == "en"  # the default of this deployment
    page = await browser.get("/", headers={"Accept-Language": "uk-UA,uk;q=0.9"})
    assert page.lang == "uk"
    page = await browser.get("/?lang=uk")
    assert page.lang == "uk"
    assert "Мій обліковий запис" in page.text
    page = await browser.get("/", headers={"Accept-Language": "en"})
    assert page.lang == "uk"
    page = await browser.get("/?lang=xx")
    assert page.lang == "uk"


async def test_the_switch_of_language_keeps_the_way(browser: Browser, running: Set) -> None:
    page = await browser.get(f"/sign-in?{running.query()}")
    link = next(link for link in page.links if link.endswith("lang=uk"))
    switched = await browser.get(link)
    assert switched.lang == "uk"
    assert switched.status == 200
    assert switched.form("/sign-in").action == page.form("/sign-in").action


async def test_every_page_has_its_landmarks_title_and_labels(
    browser: Browser, running: Set
) -> None:
    await running.add_phone(PHONE)
    code = await sign_in(browser, running)
    pages = [code]
    pages += [
        await browser.get(path)
        for path in (
            "/",
            f"/reset?{running.query()}",
            f"/update-password?{running.query()}",
            "/nowhere",
            f"/sign-in?{running.query()}",
        )
    ]
    for page in pages:
        for part in (
            "<header>",
            "<main id",
            "<nav aria-label=",
            "<footer>",
            'class="skip"',
        ):
            assert page.body.count(part) == 1
        assert page.body.count("<h1>") == 1
        assert page.title.strip()
        fields = re.findall(r'<(?:input|textarea) id="([^"]+)"', page.body)
        for name in fields:
            assert f'<label for="{name}">' in page.body


async def test_a_sign_in_page_weighs_less_than_fifty_kilobytes_in_all(
    browser: Browser, running: Set
) -> None:
    page = await browser.get(f"/sign-in?{running.query()}")
    weight = len(page.body.encode())
    for url in set(re.findall(r'(?:href|src)="(/static/[^"]+)"', page.body)):
        async with browser.session.get(running.url + url) as answer:
            weight += len(await answer.read())
    assert weight < 50 * KILOBYTE
    assert weight < 20 * KILOBYTE  # as it is; more is a thing to notice
    assert len(gzip.compress(page.body.encode())) < 4 * KILOBYTE


async def test_static_files_are_kept_for_good_under_the_mark_of_their_content(
    browser: Browser, running: Set
) -> None:
    page = await browser.get("/")
    (icon,) = re.findall(r'href="(/static/icon\.[0-9a-f]{12}\.svg)"', page.body)
    async with browser.session.get(running.url + icon) as answer:
        assert answer.status == 200
        assert answer.content_type == "image/svg+xml"
        assert "immutable" in answer.headers["Cache-Control"]
        assert "Set-Cookie" not in answer.headers
    for wrong in ("/static/icon.svg", "/static/../app.py", "/static/%2e%2e/app.py"):
        async with browser.session.get(running.url + wrong) as answer:
            assert answer.status == 404


async def test_what_a_client_is_called_is_text_and_never_markup(
    browser: Browser, running: Set
) -> None:
    async with running.api.deps.db.begin() as conn:
        await conn.execute(
            tables.clients.update()
            .where(tables.clients.c.id == running.world.client_id)
            .values(name='<script>alert("1")</script>')
        )
    page = await browser.get(f"/sign-in?{running.query(email='<b>@x')}")
    assert "<script>alert" not in page.body
    assert '<script>alert("1")</script>' in page.text
    assert "<b>@x" not in page.body


async def test_nothing_secret_is_logged(
    browser: Browser, running: Set, capsys: pytest.CaptureFixture[str]
) -> None:
    await running.add_phone(PHONE)
    page = await sign_in(browser, running)
    answer = await browser.submit(page, {"otp": running.code()}, action="/sign-in/code")
    await browser.get("/reset/" + "s" * 32)
    logged = "".join(capsys.readouterr())
    code = answer.location.split("code=")[1].split("&")[0]
    secrets = [running.world.password, running.code(), code, PHONE, "s" * 32]
    secrets += [running.world.email, *browser.cookies.values()]
    assert "/sign-in" in logged
    assert [secret for secret in secrets if secret in logged] == []
