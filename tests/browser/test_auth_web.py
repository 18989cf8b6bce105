"""People at the sign-in pages, in a real Chromium."""

import re

import pyotp
from aiohttp import ClientSession
from playwright.async_api import Browser, BrowserContext, Page, Response, expect

from services.mithril_api.domain.grants import DEVICE_CODE
from shared.models.schema import mithril as tables
from tests.browser.conftest import Client
from tests.signing_in import Set

PHONE = "+380501234567"
NEW = "Another-Horse-10"


async def _password(page: Page, running: Set, query: str | None = None) -> None:
    await page.goto(f"{running.url}/sign-in?{query or running.query()}")
    await page.get_by_label("E-mail").fill(running.world.email)
    await page.get_by_label("Password").fill(running.world.password)
    await page.get_by_role("button", name="Sign in").click()


async def _exchange(running: Set, code: str) -> str:
    world = running.world
    token = {
        "grant_type": "authorization_code",
        "client_id": str(world.client_id),
        "client_secret": world.client_secret,
        "code": code,
        "redirect_uri": world.redirect_uri,
    }
    async with (
        ClientSession() as session,
        session.post(f"{running.public}/oauth/tokens", json={"token": token}) as answer,
    ):
        assert answer.status == 201
        return str((await answer.json())["data"]["name"])


async def test_sign_in_code_consent_and_back_to_the_client_with_a_code_that_exchanges(
    page: Page, running: Set, client: Client
) -> None:
    await running.add_phone(PHONE)
    await _password(page, running)
    await expect(page.get_by_role("heading", name="One-time code")).to_be_visible()
    await expect(page.get_by_label("Code")).to_be_focused()
    await page.get_by_label("Code").fill(running.code())
    await page.get_by_role("button", name="Confirm").click()
    await expect(page.get_by_text("Clinic asks to act on your behalf:")).to_be_visible()
    await page.get_by_role("button", name="Allow").click()
    await expect(page.get_by_role("heading", name="Welcome back")).to_be_visible()
    (came,) = client.came
    assert came["state"] == "a state/+&"
    assert came["iss"] == "https://mithril.test"
    assert await _exchange(running, came["code"]) == "access_token"


async def test_a_refusal_reaches_the_client(
    page: Page, running: Set, client: Client
) -> None:
    await _password(page, running)
    await page.get_by_role("button", name="Refuse").click()
    await expect(page.get_by_role("heading", name="Welcome back")).to_be_visible()
    assert client.came == [{"error": "access_denied", "state": "a state/+&"}]


async def test_the_countdown_of_another_code_counts_without_a_script(
    chromium: Browser, running: Set
) -> None:
    await running.add_phone(PHONE)
    context = await chromium.new_context(locale="en-GB", java_script_enabled=False)
    page = await context.new_page()
    await _password(page, running)
    counted = page.locator(".count")
    await expect(counted).to_be_visible()
    await page.get_by_role("button", name="Send another code").click()
    await expect(page.get_by_text("another code cannot be sent yet")).to_be_visible()
    await context.close()


async def test_everything_but_passkeys_works_without_a_script(
    chromium: Browser, running: Set, client: Client
) -> None:
    context = await chromium.new_context(locale="en-GB", java_script_enabled=False)
    page = await context.new_page()
    await _password(page, running)
    await page.get_by_role("button", name="Allow").click()
    await expect(page.get_by_role("heading", name="Welcome back")).to_be_visible()
    assert client.came[0]["code"]
    await context.close()


async def test_an_authenticator_app_is_set_up_by_its_secret(
    page: Page, running: Set
) -> None:
    await _password(page, running, "to=factors")
    await page.get_by_role("link", name="Add a factor").click()
    await page.get_by_role("button", name="Connect an app").click()
    drawing = page.get_by_role("img", name="QR code of the secret for the app")
    box = await drawing.bounding_box()
    assert box is not None
    assert box["width"] > 150
    secret = (await page.locator("code.secret").inner_text()).replace(" ", "")
    await page.get_by_role("textbox", name="Code").fill(
        pyotp.TOTP(secret).at(running.clock.now())
    )
    await page.get_by_role("button", name="Finish").click()
    await expect(page.get_by_text("The second factor has been added.")).to_be_visible()


async def test_a_passkey_is_created_and_signs_in(
    page: Page, context: BrowserContext, running: Set, client: Client
) -> None:
    devtools = await context.new_cdp_session(page)
    await devtools.send("WebAuthn.enable")
    await devtools.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    await _password(page, running, "to=factors")
    await page.get_by_role("link", name="Add a factor").click()
    await page.get_by_role("button", name="Create a passkey").click()
    await page.get_by_role("button", name="Create the passkey").click()
    await expect(page.get_by_text("The second factor has been added.")).to_be_visible()

    await context.clear_cookies()
    await _password(page, running)
    await page.get_by_role("button", name="Use the passkey").click()
    await page.get_by_role("button", name="Allow").click()
    await expect(page.get_by_role("heading", name="Welcome back")).to_be_visible()
    assert await _exchange(running, client.came[0]["code"]) == "access_token"


async def test_a_passkey_that_is_not_there_is_explained(
    page: Page, context: BrowserContext, running: Set
) -> None:
    await _password(page, running, "to=factors")
    await page.get_by_role("link", name="Add a factor").click()
    await page.get_by_role("button", name="Create a passkey").click()
    devtools = await context.new_cdp_session(page)
    await devtools.send("WebAuthn.enable")  # and no authenticator at all
    await page.evaluate(
        "() => { navigator.credentials.create = () => Promise.reject(new Error()); }"
    )
    await page.get_by_role("button", name="Create the passkey").click()
    await expect(page.get_by_role("alert")).to_have_text(
        "The passkey did not work, or the request was cancelled. Try again."
    )


async def test_on_an_address_of_numbers_the_page_says_where_passkeys_work(
    page: Page, running: Set
) -> None:
    address, running.url = running.url, running.url.replace("localhost", "127.0.0.1")
    await _password(page, running, "to=factors")
    await page.get_by_role("link", name="Add a factor").click()
    await page.get_by_role("button", name="Create a passkey").click()
    await expect(page.get_by_text("Passkeys do not work at this address.")).to_be_visible()
    await page.get_by_role("link", name=address).click()
    await expect(page).to_have_url(re.compile(re.escape(address) + "/sign-in"))


async def test_access_is_recovered_by_the_mailed_link(page: Page, running: Set) -> None:
    await page.goto(f"{running.url}/sign-in?{running.query()}")
    await page.get_by_role("link", name="Forgot your password?").click()
    await page.get_by_label("E-mail").fill(running.world.email)
    await page.get_by_role("button", name="Send the link").click()
    await expect(page.get_by_role("heading", name="Check your mail")).to_be_visible()
    await running.deliver()
    link = re.search(r"http://localhost:\d+/reset/\S+", running.said("mail")[0])
    assert link is not None
    await page.goto(link[0])
    await page.get_by_label("New password", exact=True).fill(NEW)
    await page.get_by_label("New password again").fill(NEW)
    await page.get_by_role("button", name="Save the password").click()
    await expect(
        page.get_by_role("heading", name="The password is changed")
    ).to_be_visible()
    await page.get_by_role("link", name="Go to sign-in").click()
    await page.get_by_label("E-mail").fill(running.world.email)
    await page.get_by_label("Password").fill(NEW)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page).not_to_have_url(re.compile("/sign-in"))


async def test_the_language_is_switched_and_stays(page: Page, running: Set) -> None:
    await page.goto(f"{running.url}/sign-in?{running.query()}")
    await page.get_by_role("link", name="Українська").click()
    await expect(page.get_by_role("heading", name="Вхід")).to_be_visible()
    assert await page.locator("html").get_attribute("lang") == "uk"
    await page.get_by_role("link", name="Забули пароль?").click()
    await expect(page.get_by_role("heading", name="Відновлення доступу")).to_be_visible()


async def test_a_keyboard_is_enough_and_shows_where_it_is(
    page: Page, running: Set, client: Client
) -> None:
    await page.goto(f"{running.url}/sign-in?{running.query()}")
    await expect(page.get_by_label("E-mail")).to_be_focused()
    await page.keyboard.type(running.world.email)
    await page.keyboard.press("Tab")
    await page.keyboard.type(running.world.password)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Give access")).to_be_visible()
    await page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to content")
    await expect(skip).to_be_focused()
    await expect(skip).to_be_in_viewport()
    await page.keyboard.press("Enter")
    allow = page.get_by_role("button", name="Allow")
    for _ in range(5):
        await page.keyboard.press("Tab")
        outline = await page.evaluate(
            "getComputedStyle(document.activeElement).outlineStyle"
        )
        assert outline == "solid"
        if await allow.evaluate("it => it === document.activeElement"):
            break
    await expect(allow).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Welcome back")).to_be_visible()
    assert client.came[0]["code"]


async def test_the_back_button_shows_nothing_private_after_sign_out(
    page: Page, running: Set
) -> None:
    await _password(page, running, "to=account")
    await expect(page.get_by_text(running.world.email)).to_be_visible()
    await page.get_by_role("link", name="My factors").click()
    await page.goto(f"{running.url}/")
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_text("You are signed out.")).to_be_visible()
    for _ in range(3):
        await page.go_back()
        assert running.world.email not in await page.content()
        assert "My factors" not in await page.content()


async def test_a_form_of_another_site_signs_nobody_in_or_out(
    page: Page, running: Set, client: Client
) -> None:
    await _password(page, running, "to=account")
    await expect(page.get_by_text(running.world.email)).to_be_visible()
    await page.goto(client.url)
    async with page.expect_navigation():
        await page.evaluate(
            """url => {
                const form = document.createElement("form");
                form.method = "post"; form.action = url;
                document.body.append(form); form.submit();
            }""",
            f"{running.url}/sign-out",
        )
    await expect(page.get_by_text("The form came from another site")).to_be_visible()
    await page.goto(f"{running.url}/")
    await expect(page.get_by_text(running.world.email)).to_be_visible()


async def test_no_other_site_can_frame_a_page(
    context: BrowserContext, running: Set, client: Client
) -> None:
    page = await context.new_page()
    await page.goto(client.url)
    async with page.expect_console_message(lambda said: "frame" in said.text) as refused:
        await page.evaluate(
            "url => { const it = document.createElement('iframe'); it.src = url;"
            " document.body.append(it); }",
            f"{running.url}/sign-in?{running.query()}",
        )
    assert "frame-ancestors" in (await refused.value).text


async def test_a_sign_in_page_is_light_and_does_not_shift(page: Page, running: Set) -> None:
    responses: list[Response] = []
    page.on("response", lambda response: responses.append(response))  # noqa: PLW0108
    await page.goto(f"{running.url}/sign-in?{running.query()}", wait_until="networkidle")
    sizes = [await response.request.sizes() for response in responses]
    weight = sum(size["responseBodySize"] + size["responseHeadersSize"] for size in sizes)
    assert 0 < weight < 50_000
    shift = await page.evaluate(
        """() => new Promise(done => {
            let sum = 0;
            new PerformanceObserver(list => {
                for (const entry of list.getEntries()) sum += entry.value;
            }).observe({type: "layout-shift", buffered: true});
            requestAnimationFrame(() => requestAnimationFrame(() => done(sum)));
        })"""
    )
    assert shift == 0


async def test_a_narrow_screen_needs_no_scrolling_sideways(
    page: Page, running: Set
) -> None:
    await page.set_viewport_size({"width": 320, "height": 640})
    await _password(page, running)
    for path in ("", "/factors", "/approvals", "/sign-in/set-up?to=factors"):
        if path:
            await page.goto(running.url + path)
        wide = await page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 320


async def test_a_device_is_allowed_by_its_code_without_a_script(
    chromium: Browser, running: Set
) -> None:
    world = running.world
    c = tables.clients
    granted = c.update().where(c.c.id == world.client_id)
    async with running.api.deps.db.begin() as conn:
        await conn.execute(granted.values(settings={"allowed_grant_types": [DEVICE_CODE]}))
    form = {"client_id": str(world.client_id), "client_secret": world.client_secret}
    url = f"{running.public}/oauth2/device_authorization"
    asked = {**form, "scope": "episode:read"}
    async with ClientSession() as session, session.post(url, data=asked) as answer:
        told = await answer.json()
    context = await chromium.new_context(locale="en-GB", java_script_enabled=False)
    page = await context.new_page()

    await page.goto(f"{running.url}/device")
    await expect(page.get_by_label("Code")).to_be_focused()
    await page.get_by_label("Code").fill(told["user_code"].lower())
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_label("E-mail").fill(world.email)
    await page.get_by_label("Password").fill(world.password)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_text(told["user_code"])).to_be_visible()
    await expect(page.get_by_text("Allow it only if you have started")).to_be_visible()
    await page.get_by_role("button", name="The code matches, allow").click()
    done = page.get_by_role("heading", name="The device is connected")
    await expect(done).to_be_visible()
    await context.close()
