"""Code and PKCE, as any client of the standards does it: through /oauth2 and the pages."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import pytest

from services.mithril_api.domain.oauth2.signing_keys import Alg
from shared.models.schema import mithril as tables
from shared.wire import jws
from tests.builders import give_keys
from tests.pages import Browser, Page
from tests.signing_in import Set

# The example of RFC 7636, appendix B.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@pytest.fixture(autouse=True)
async def one_thing_is_allowed(running: Set) -> None:
    """The user has allowed the clinic one of the two things that it asks for."""
    statement = tables.apps.update().where(
        tables.apps.c.client_id == running.world.client_id
    )
    async with running.api.deps.db.begin() as conn:
        await conn.execute(statement.values(scope=["episode:read"]))


async def begun(running: Set, http: aiohttp.ClientSession, **but: str) -> str:
    """Ask /oauth2/authorize: which page of ours the browser is sent to."""
    query = {
        "response_type": "code",
        "client_id": str(running.world.client_id),
        "redirect_uri": running.world.redirect_uri,
        "scope": "episode:read episode:write",
        "state": "a state/+&",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **but,
    }
    url = f"{running.public}/oauth2/authorize"
    async with http.get(url, params=query, allow_redirects=False) as answer:
        location = urlsplit(answer.headers["Location"])
        assert (answer.status, location.path) == (303, "/sign-in")
    return f"/sign-in?{location.query}"


async def signed_in(browser: Browser, running: Set, page: Page) -> Page:
    world = running.world
    return await browser.submit(page, {"email": world.email, "password": world.password})


def query_of(page: Page) -> dict[str, str]:
    assert page.status == 303
    return dict(parse_qsl(urlsplit(page.location).query))


async def exchanged(
    running: Set, http: aiohttp.ClientSession, code: str
) -> tuple[int, dict[str, Any]]:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": running.world.redirect_uri,
        "code_verifier": VERIFIER,
        "client_id": str(running.world.client_id),
        "client_secret": running.world.client_secret,
    }
    async with http.post(f"{running.public}/oauth2/token", data=form) as answer:
        return answer.status, await answer.json()


async def test_a_user_signs_in_allows_it_and_the_client_has_its_tokens(
    browser: Browser, running: Set, http: aiohttp.ClientSession
) -> None:
    page = await browser.get(await begun(running, http, login_hint="doctor@clinic.test"))
    assert "doctor@clinic.test" in page.body

    question = await signed_in(browser, running, page)
    assert question.path == "/consent"
    answer = await browser.submit(question, {"answer": "allow"}, action="/consent")

    given = query_of(answer)
    assert answer.location.startswith(running.world.redirect_uri + "?")
    assert (given["state"], given["iss"]) == ("a state/+&", "https://mithril.test")
    status, tokens = await exchanged(running, http, given["code"])
    assert status == 200
    assert tokens["scope"] == "episode:read episode:write"


async def test_a_user_who_refuses_is_sent_back_in_the_standards_words(
    browser: Browser, running: Set, http: aiohttp.ClientSession
) -> None:
    page = await browser.get(await begun(running, http))
    question = await signed_in(browser, running, page)

    answer = await browser.submit(question, {"answer": "deny"}, action="/consent")

    given = query_of(answer)
    assert (given["error"], given["state"]) == ("access_denied", "a state/+&")
    assert given["iss"] == "https://mithril.test"


async def test_a_silent_request_shows_nothing_and_says_what_is_missing(
    browser: Browser, running: Set, http: aiohttp.ClientSession
) -> None:
    nobody = await browser.get(await begun(running, http, prompt="none"))
    page = await browser.get(await begun(running, http))
    question = await signed_in(browser, running, page)
    unallowed = await browser.get(await begun(running, http, prompt="none"))
    await browser.submit(question, {"answer": "allow"}, action="/consent")
    allowed = await browser.get(await begun(running, http, prompt="none"))

    assert query_of(nobody)["error"] == "login_required"
    assert query_of(unallowed)["error"] == "consent_required"
    assert "code" in query_of(allowed)


@pytest.mark.parametrize("prompt", ["login", "consent"])
async def test_a_client_may_want_the_user_to_be_asked_again(
    browser: Browser, running: Set, http: aiohttp.ClientSession, prompt: str
) -> None:
    page = await browser.get(await begun(running, http))
    question = await signed_in(browser, running, page)
    await browser.submit(question, {"answer": "allow"}, action="/consent")
    running.clock.advance(timedelta(seconds=2))

    again = await browser.get(await begun(running, http, prompt=prompt))

    expected = {"login": "/sign-in", "consent": "/consent"}
    assert (again.status, again.path) == (200, expected[prompt])


async def test_a_client_has_its_user_signed_out_and_sent_back(
    browser: Browser, running: Set, http: aiohttp.ClientSession
) -> None:
    home = "https://clinic.test/bye"
    await register(running, post_logout_redirect_uris=[home])
    page = await browser.get(await begun(running, http))
    await signed_in(browser, running, page)
    query = {
        "client_id": str(running.world.client_id),
        "post_logout_redirect_uri": home,
        "state": "a&b",
    }
    url = f"{running.public}/oauth2/logout"
    async with http.get(url, params=query, allow_redirects=False) as answer:
        location = urlsplit(answer.headers["Location"])

    question = await browser.get(f"{location.path}?{location.query}")
    action = f"{location.path}?{location.query}"
    signed_out = await browser.submit(question, action=action)
    again = await browser.get(await begun(running, http))

    assert question.status == 200
    assert (signed_out.status, signed_out.location) == (303, f"{home}?state=a%26b")
    assert again.path == "/sign-in"


async def test_a_user_lets_a_client_know_who_they_are_and_it_hears_when_they_sign_out(
    browser: Browser, running: Set, http: aiohttp.ClientSession
) -> None:
    deps = running.api.deps
    await give_keys(deps, Alg.RS256)
    await register(running, backchannel_logout_uri="http://127.0.0.1:1/logout")
    page = await browser.get(
        await begun(running, http, scope="openid email phone", nonce="n-1")
    )

    question = await signed_in(browser, running, page)
    answer = await browser.submit(question, {"answer": "allow"}, action="/consent")
    status, tokens = await exchanged(running, http, query_of(answer)["code"])

    for words in ("Who you are", "Your e-mail address", "Your phone number for codes"):
        assert words in question.body
    assert status == 200
    shown = jws.read(tokens["id_token"])
    assert shown is not None
    assert (shown.claims["amr"], shown.claims["nonce"]) == (["pwd"], "n-1")
    assert shown.claims["iss"] == "https://mithril.test"
    await browser.submit(await browser.get("/sign-out"), action="/sign-out")
    async with deps.db.read() as conn:
        (owed,) = (await conn.execute(tables.owed_logouts.select())).all()
    assert (owed.sid, owed.client_id) == (
        shown.claims["sid"],
        running.world.client_id,
    )


async def register(running: Set, **settings: Any) -> None:
    """Change what the clinic is registered with."""
    statement = tables.clients.update().where(
        tables.clients.c.id == running.world.client_id
    )
    async with running.api.deps.db.begin() as conn:
        await conn.execute(statement.values(settings=settings))
