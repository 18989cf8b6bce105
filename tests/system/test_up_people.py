"""`mithril up` as people meet it: a code from the outbox, a consent, tokens; the console."""

import json
import re
from typing import Any

import aiohttp
import pytest_asyncio
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session
from yarl import URL

from tests.pages import Browser
from tests.system.sets import Up, on_the_standing_set

CLINIC_SCOPE = "episode:read person:read"


@pytest_asyncio.fixture(loop_scope="session")
async def http() -> Any:
    async with aiohttp.ClientSession() as session:
        yield session


async def ask(
    http: aiohttp.ClientSession,
    url: str,
    body: object,
    *,
    bearer: str | None = None,
    status: int = 201,
) -> dict[str, Any]:
    headers = {} if bearer is None else {"Authorization": f"Bearer {bearer}"}
    async with http.post(url, json=body, headers=headers) as answer:
        found: dict[str, Any] = await answer.json()
        assert answer.status == status, found
        return found


async def auth_web_client(http: aiohttp.ClientSession, endpoints: dict[str, Any]) -> str:
    """The id of the client which sessions are issued to, as an operator finds it."""
    url = endpoints["services"]["mithril-api"]["internal"] + "/admin/clients"
    headers = {"Authorization": f"Bearer {endpoints['demo']['service_token']}"}
    params = {"name": "Demo auth-web"}
    async with http.get(url, headers=headers, params=params) as answer:
        [client] = (await answer.json())["data"]
        return str(client["id"])


async def signed_in(
    http: aiohttp.ClientSession, endpoints: dict[str, Any], who: str
) -> dict[str, Any]:
    """What the login API answers to a person's e-mail and password."""
    demo = endpoints["demo"]
    login = {
        "grant_type": "password",
        "email": demo[f"{who}_email"],
        "password": demo[f"{who}_password"],
        "client_id": await auth_web_client(http, endpoints),
        "scope": "app:authorize",
    }
    url = endpoints["services"]["mithril-api"]["public"] + "/auth/login"
    return await ask(http, url, {"token": login})


@on_the_standing_set
async def test_a_doctor_signs_in_with_a_code_from_the_outbox_and_clients_get_tokens(
    standing: Up, http: aiohttp.ClientSession
) -> None:
    endpoints = standing.endpoints
    api, demo = endpoints["services"]["mithril-api"]["public"], endpoints["demo"]
    emulators = endpoints["emulators"]["public"]

    first = await signed_in(http, endpoints, "two_factor")
    async with http.get(emulators + "/outbox.json") as answer:
        [sms] = [item for item in await answer.json() if item["kind"] == "sms"]
    [code] = re.findall(r"\b[0-9]{6}\b", sms["body"])
    token = {"grant_type": "authorize_2fa_access_token", "otp": int(code)}
    second = await ask(
        http, api + "/auth/login", {"token": token}, bearer=first["data"]["value"]
    )
    callback = emulators + "/client/callback"
    consent = {
        "client_id": demo["client_id"],
        "redirect_uri": callback,
        "scope": CLINIC_SCOPE,
    }
    agreed = await ask(
        http,
        api + "/oauth/apps/authorize",
        {"app": consent},
        bearer=second["data"]["value"],
    )
    async with http.post(
        emulators + "/client/exchange", data={"code": agreed["data"]["value"]}
    ) as answer:
        shown = await answer.text()

    assert first["urgent"]["next_step"] == "REQUEST_OTP"
    assert sms["to"] == demo["two_factor_phone"]
    assert second["urgent"]["next_step"] == "REQUEST_APPS"
    assert '<strong id="status">201</strong>' in shown
    assert CLINIC_SCOPE in shown

    tokens, refreshed = await a_library_signs_in(endpoints)
    assert tokens["scope"] == refreshed["scope"] == demo["app_scope"]
    assert tokens["refresh_token"] != refreshed["refresh_token"]


async def a_library_signs_in(endpoints: dict[str, Any]) -> tuple[Any, Any]:
    """What Authlib gets by what is printed and what it discovers: tokens, and then newer ones."""
    demo, api = endpoints["demo"], endpoints["services"]["mithril-api"]["public"]
    verifier = generate_token(48)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        async with http.get(api + "/.well-known/openid-configuration") as answer:
            found = await answer.json()
        with OAuth2Session(
            demo["client_id"],
            demo["app_secret"],
            scope=demo["app_scope"],
            redirect_uri=demo["app_redirect_uri"],
            code_challenge_method="S256",
            token_endpoint=found["token_endpoint"],
        ) as session:
            url, state = session.create_authorization_url(
                found["authorization_endpoint"], code_verifier=verifier
            )
            asked = await Browser(http, api).get(url, follow=False)
            browser = Browser(http, str(URL(asked.location).origin()))
            page = await browser.get(asked.location)
            names = {"email": "user_email", "password": "user_password"}
            came = await browser.submit(page, {it: demo[key] for it, key in names.items()})
            tokens = session.fetch_token(
                authorization_response=came.location, state=state, code_verifier=verifier
            )
            return tokens, session.refresh_token()


@on_the_standing_set
async def test_the_console_sends_people_to_sign_in_and_takes_what_their_role_gives(
    standing: Up, http: aiohttp.ClientSession
) -> None:
    endpoints = standing.endpoints
    api = endpoints["services"]["mithril-api"]["public"]
    gatekeeper = endpoints["services"]["gatekeeper"]["public"]

    async with http.get(
        gatekeeper + "/", headers={"Accept": "text/html"}, allow_redirects=False
    ) as answer:
        assert answer.status == 302
        asked = URL(answer.headers["Location"])
    async with http.get(asked) as page:
        assert page.status == 200
        assert "<form" in await page.text()
    scopes = {}
    for who in ("admin", "auditor"):
        session = (await signed_in(http, endpoints, who))["data"]["value"]
        names = ("client_id", "redirect_uri")
        consent = {"app": {name: asked.query[name] for name in names}}
        url = api + "/oauth/apps/authorize"
        agreed = await ask(http, url, consent, bearer=session)
        scopes[who] = set(agreed["data"]["details"]["scope_request"].split())

    assert (asked.port, asked.path) == (standing.base + 5, "/sign-in")
    assert scopes["auditor"] == {"abac_log:read", "abac_log:export"}
    assert "user:block" in scopes["admin"]
    assert scopes["admin"].isdisjoint(scopes["auditor"])


async def test_what_an_earlier_release_kept_still_starts_and_gains_what_is_new(
    up: Up,
) -> None:
    before = await up.start()
    await up.end()
    for name, new in (("demo.json", "two_factor_"), ("secrets.json", "cookie_key")):
        file = up.state / name
        kept = json.loads(file.read_text())
        part = kept.get("demo", kept)
        for key in [key for key in part if key.startswith(new)]:
            del part[key]
        file.write_text(json.dumps(kept))

    after = await up.start()

    for name in ("user_email", "user_password", "admin_password", "client_id"):
        assert after["demo"][name] == before["demo"][name]
    async with aiohttp.ClientSession() as http:
        for who, expected in (("user", "REQUEST_APPS"), ("two_factor", "REQUEST_OTP")):
            answer = await signed_in(http, after, who)
            assert answer["urgent"]["next_step"] == expected
