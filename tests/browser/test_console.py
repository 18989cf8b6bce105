"""The console in a real Chromium: an administrator and an auditor at work."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest
from playwright.async_api import BrowserContext, Page, expect

from services.abac_log_consumer.actions.sign_checkpoints import sign_checkpoints
from services.admin_web.domain.menu import SECTIONS
from tests.console import NOBODY, Console, started
from tests.fakes import SteppingClock
from tests.integration.abac_log_auditors.records import Records
from tests.integration.abac_log_consumer.ledger import Source, delivered, keep
from tests.integration.conftest import audit_database, audit_template

__all__ = ["audit_database", "audit_template"]  # fixtures that ours ask for

# What a page must have for everyone: labels, one heading, landmarks, headed columns.
_UNFIT = """() => {
  const all = s => [...document.querySelectorAll(s)];
  const fields = all('input:not([type=hidden]), select, textarea');
  const unfit = fields.filter(e => !e.labels.length).map(e => `no label: ${e.name}`);
  if (all('h1').length !== 1) unfit.push('headings');
  if (all('main').length !== 1 || !all('nav').length) unfit.push('landmarks');
  if (!document.documentElement.lang) unfit.push('language');
  const heads = all('thead th');
  unfit.push(...heads.filter(e => e.scope !== 'col' || !e.textContent.trim())
    .map(e => `column: ${e.outerHTML}`));
  const ids = all('[id]').map(e => e.id);
  if (new Set(ids).size !== ids.length) unfit.push(`repeated id in ${ids}`);
  unfit.push(...all('a, button').filter(e => !e.textContent.trim()).map(e => e.outerHTML));
  if (document.documentElement.scrollWidth > innerWidth) unfit.push('scrolls sideways');
  return unfit;
}"""


@pytest.fixture
async def console(
    mithril_database: str,
    audit_database: str,
    clock: SteppingClock,
    context: BrowserContext,
) -> AsyncIterator[Console]:
    """The console, and a browser whose requests come as gatekeeper passes them on."""
    async with started(mithril_database, audit_database, clock) as made:
        await context.set_extra_http_headers(await made.bearer())
        yield made


@pytest.fixture
async def records(
    audit_database: str,
    console: Console,
) -> AsyncIterator[Records]:
    owner = await asyncpg.connect(audit_database)
    yield Records(owner, console.clock.now())
    await owner.close()


async def test_an_administrator_finds_a_user_and_blocks_them(
    console: Console, page: Page
) -> None:
    await page.goto(console.url)
    await page.get_by_role("link", name="Users", exact=True).first.click()
    await page.get_by_label("E-mail").fill(console.world.email)
    await page.get_by_role("button", name="Search").click()
    await page.get_by_role("link", name=console.world.email).click()
    await page.get_by_role("link", name="Block", exact=True).click()
    await page.get_by_label("Reason").fill("lost laptop")
    await page.get_by_role("button", name="Block the account").click()

    await expect(page.get_by_role("status")).to_have_text("The account is blocked.")
    await expect(page.get_by_text("Blocked: lost laptop")).to_be_visible()
    [told] = await console.events("mithril.user.blocked.v1")
    assert told["actor_id"] == str(console.operator_id)
    await page.reload()  # what was posted is not posted again
    await expect(page.get_by_role("status")).to_have_count(0)
    assert len(await console.events("mithril.user.blocked.v1")) == 1


async def test_a_secret_is_rotated_and_shown_once(console: Console, page: Page) -> None:
    world = console.world
    await page.goto(f"{console.url}/clients/{world.client_id}")
    await page.get_by_role("link", name=world.redirect_uri).click()
    await page.get_by_role("link", name="Rotate the secret").click()
    await page.get_by_role("button", name="Make a new secret").click()

    secret = await page.locator("#secret").text_content()
    assert secret is not None
    assert len(secret) == 32
    await expect(page.get_by_text("Former, still works")).to_be_visible()
    await page.reload()
    await expect(page.locator("#secret")).to_have_count(0)
    await page.go_back()
    assert secret not in await page.content()


async def test_a_role_is_edited_after_a_look_at_what_changes(
    console: Console, page: Page
) -> None:
    await page.goto(f"{console.url}/roles/{console.world.role_id}")
    await page.get_by_role("link", name="Edit").click()
    scope = page.get_by_label("Scope")
    await scope.fill("person:read visit:read")
    await page.get_by_role("button", name="Show what would change").click()
    await expect(page.locator(".scopes.added li")).to_have_text(["visit:read"])
    await expect(page.locator(".scopes.removed li")).to_have_count(2)
    await page.get_by_role("button", name="Save the changes").click()
    await expect(page.get_by_role("status")).to_have_text("The role is changed.")


async def test_an_auditor_searches_looks_at_a_record_and_takes_an_export(
    console: Console, page: Page
) -> None:
    deps = console.audit.deps
    await keep(deps, delivered(Source().decisions(3)))
    console.clock.advance(deps.settings.checkpoint_age())
    assert await sign_checkpoints(deps) == 1

    await page.goto(f"{console.url}/audit")
    await page.get_by_label("Result").select_option("Allowed")
    await page.get_by_role("button", name="Search").click()
    await expect(page.locator("svg.chart rect.rect").first).to_be_attached()
    await page.get_by_text("The same numbers as a table").click()
    async with page.expect_download() as download:
        await page.get_by_role("link", name="CSV").click()
    assert (await download.value).suggested_filename == "abac_logs.csv"
    await page.locator("main tbody a[href^='/audit/']").nth(1).click()

    await expect(page.get_by_role("heading", name="Proof")).to_contain_text("Holds")
    await expect(page.locator(".chain > li")).to_have_count(4)
    await expect(page.locator(".chain")).to_contain_text("The signature is right")


async def test_a_long_log_is_read_on_and_back(
    console: Console, page: Page, records: Records
) -> None:
    await records.decisions(60, patient_id=uuid4(), apart=timedelta(hours=12))
    await page.goto(f"{console.url}/audit")
    await page.get_by_role("link", name="Older").click()
    await expect(page.get_by_text("Nothing older matches.")).to_be_visible()
    await page.get_by_role("link", name="Newest").click()
    await expect(page.get_by_role("link", name="Older")).to_be_visible()


async def test_the_keyboard_alone_is_enough(console: Console, page: Page) -> None:
    path = f"{console.url}/users/{console.world.user_id}/block"
    await page.goto(path)

    await page.keyboard.press("Tab")
    await expect(page.get_by_text("Skip to the content")).to_be_focused()
    await expect(page.get_by_text("Skip to the content")).to_be_in_viewport()
    await page.keyboard.press("Enter")
    reached = []
    for _ in range(3):
        await page.keyboard.press("Tab")
        reached.append(
            await page.evaluate("document.activeElement.textContent.trim() || 'field'")
        )
    assert reached == ["Back", "field", "Block the account"]
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert await page.evaluate(outline) == "solid"
    await page.keyboard.press("Shift+Tab")
    await page.keyboard.type("by keyboard")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status")).to_have_text("The account is blocked.")


def pages_of(console: Console) -> list[str]:
    world = console.world
    user, client = f"/users/{world.user_id}", f"/clients/{world.client_id}"
    connection = f"{client}/connections/{world.connection_id}"
    return [
        *("/", *(section.path for section in SECTIONS)),
        *(user, f"{user}/block", f"{user}/roles/grant", f"{user}/sessions/end"),
        *(client, f"{client}/edit", connection, f"{connection}/rotate"),
        *(f"{client}/connections/open", f"/roles/{world.role_id}/edit"),
        *(f"/tokens/{world.refresh.token.id}", "/jobs/purge-tokens"),
        *("/users?id=x", "/audit?patient_id=x", f"/users/{NOBODY}"),
    ]


@pytest.mark.parametrize("language", ["en", "uk"])
async def test_every_page_fits_everyone_and_breaks_no_policy(
    console: Console, page: Page, records: Records, language: str
) -> None:
    await records.decisions(3)
    await page.goto(console.url)
    await page.locator(f"button[lang={language}]").click()
    for path in pages_of(console):
        await page.goto(console.url + path)
        for width in (390, 1360):  # a telephone and a desk
            await page.set_viewport_size({"width": width, "height": 800})
            assert await page.evaluate(_UNFIT) == [], (path, width)
    await page.goto(f"{console.url}/audit")
    assert await page.locator("html").get_attribute("lang") == language
