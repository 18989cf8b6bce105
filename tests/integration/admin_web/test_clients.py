"""Clients and connections: edited with a preview, blocked, secrets shown once."""

import re
from datetime import timedelta

import pytest

from tests.console import NOBODY, Console
from tests.integration.admin_web.test_users import confirm
from tests.pages import Browser, Page

_SECRET = re.compile(r'id="secret">([A-Za-z0-9]{32})<')


def path_of(console: Console) -> str:
    return f"/clients/{console.world.client_id}"


def connection_of(console: Console) -> str:
    return f"{path_of(console)}/connections/{console.world.connection_id}"


def fields_of(console: Console, **but: str) -> dict[str, str]:
    """What the form of a client holds."""
    return {
        "name": "Clinic",
        "client_type_id": str(console.world.client_type_id),
        "access_type": "DIRECT",
        "broker_scope": "",
        "settings": '{"allowed_grant_types": ["password"]}',
        **but,
    }


async def edit(browser: Browser, path: str, typed: dict[str, str]) -> Page:
    """Fill in the form of an edit: the page that shows what would change."""
    return await browser.submit(await browser.get(path), typed, action=path)


async def test_a_client_is_found_by_a_part_of_its_name(
    console: Console, browser: Browser
) -> None:
    page = await browser.get("/clients?name=lini")
    assert path_of(console) in page.links
    assert "No client matches." in (await browser.get("/clients?name=%25")).text
    assert (await browser.get("/clients?id=zz")).status == 422


async def test_an_edit_shows_what_would_change_and_then_changes_it(
    console: Console, browser: Browser
) -> None:
    path = f"{path_of(console)}/edit"
    wanted = fields_of(
        console, name="Polyclinic", access_type="BROKER", broker_scope="a:read  b:read"
    )

    preview = await edit(browser, path, wanted)

    assert preview.status == 200
    assert "Added: 2" in preview.text
    assert await console.events("mithril.client.updated.v1") == []
    page = await browser.submit(preview, action=path)
    assert page.path == path_of(console)
    assert "The client is changed." in page.text
    assert page.title.startswith("Polyclinic")
    [told] = await console.events("mithril.client.updated.v1")
    assert told["actor_id"] == str(console.operator_id)
    assert sorted(told["fields"]) == ["name", "priv_settings"]


async def test_an_edit_that_changes_nothing_is_not_offered_for_confirmation(
    console: Console, browser: Browser
) -> None:
    page = await edit(browser, f"{path_of(console)}/edit", fields_of(console))
    assert page.status == 422
    assert "Nothing would change." in page.alert


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"name": " "}, "A name is needed."),
        ({"settings": "{"}, "The settings are no JSON object."),
        ({"settings": "[]"}, "The settings are no JSON object."),
        ({"broker_scope": 'a:read "b'}, "characters that no scope has"),
    ],
)
async def test_what_is_unfit_in_an_edit_is_named_and_nothing_typed_is_lost(
    console: Console, browser: Browser, typed: dict[str, str], said: str
) -> None:
    path = f"{path_of(console)}/edit"
    page = await edit(browser, path, fields_of(console, **typed))
    assert page.status == 422
    assert said in page.alert


@pytest.mark.parametrize(
    "typed",
    [{"client_type_id": NOBODY}, {"access_type": "NONE"}, {"client_type_id": "x"}],
)
async def test_what_the_api_refuses_in_an_edit_is_shown_in_its_words(
    console: Console, browser: Browser, typed: dict[str, str]
) -> None:
    path = f"{path_of(console)}/edit"
    preview = await edit(browser, path, fields_of(console, **typed))
    page = await browser.submit(preview, action=path)
    assert page.status in {400, 422}
    assert page.alert
    assert await console.events("mithril.client.updated.v1") == []


async def test_a_client_is_blocked_unblocked_and_its_tokens_end(
    console: Console, browser: Browser
) -> None:
    path, why = path_of(console), {"block_reason": "contract ended"}
    page = await confirm(browser, f"{path}/block", why)
    assert "Blocked: contract ended" in page.text
    assert (
        "The client is unblocked." in (await confirm(browser, f"{path}/unblock", why)).text
    )
    assert "have ended" in (await confirm(browser, f"{path}/tokens/end")).text
    for kind in ("client.blocked", "client.unblocked", "token.revoked"):
        [told] = await console.events(f"mithril.{kind}.v1")
        assert told["actor_id"] == str(console.operator_id)


async def test_a_rotated_secret_is_shown_once_and_the_former_one_works_for_a_while(
    console: Console, browser: Browser
) -> None:
    path = connection_of(console)

    page = await confirm(browser, f"{path}/rotate")

    assert page.path == path
    [secret] = _SECRET.findall(page.body)
    assert "Former, still works" in page.text
    week = console.clock.now() + timedelta(days=7)
    assert f"{week:%Y-%m-%d %H:%M:%S}" in page.text
    again = await browser.get(path)
    assert secret not in again.body
    assert "shown this once" not in again.text
    [told] = await console.events("mithril.connection.secret-rotated.v1")
    assert told["actor_id"] == str(console.operator_id)
    assert secret not in str(told)


async def test_a_secret_that_waits_is_not_shown_on_another_page(
    console: Console, browser: Browser
) -> None:
    path = connection_of(console)
    form = await browser.get(f"{path}/rotate")
    done = await browser.submit(form, action=f"{path}/rotate", follow=False)
    assert (done.status, done.location) == (303, path)
    other = f"/clients/{console.operator.client_id}"
    elsewhere = await browser.get(f"{other}/connections/{console.operator.connection_id}")
    assert _SECRET.findall(elsewhere.body) == []


async def test_a_connection_is_opened_moved_and_deleted(
    console: Console, browser: Browser
) -> None:
    path = f"{path_of(console)}/connections/open"
    typed = {
        "consumer_id": str(console.operator.client_id),
        "redirect_uri": "https://mis.test/back",
    }

    page = await browser.submit(await edit(browser, path, typed), action=path)

    assert _SECRET.findall(page.body)
    moved = {"redirect_uri": "https://mis.test/other"}
    at, move = page.path, f"{page.path}/move"
    page = await browser.submit(await edit(browser, move, moved), action=move)
    assert page.title
    assert "https://mis.test/other" in page.text
    page = await confirm(browser, f"{at}/delete")
    assert "https://mis.test/other" not in page.text
    told = await console.events("mithril.connection.changed.v1")
    assert [event["change"] for event in told] == ["created", "updated", "deleted"]
    assert {event["actor_id"] for event in told} == {str(console.operator_id)}


@pytest.mark.parametrize("uri", ["javascript:alert(1)", "http://mis.test/", "", "//x"])
async def test_a_redirect_uri_that_is_none_is_refused(
    console: Console, browser: Browser, uri: str
) -> None:
    path = f"{connection_of(console)}/move"
    preview = await edit(browser, path, {"redirect_uri": uri})
    page = await browser.submit(preview, action=path)
    assert page.status == 422
    assert await console.events("mithril.connection.changed.v1") == []


async def test_a_connection_tells_when_it_was_last_used(
    console: Console, browser: Browser
) -> None:
    uses = console.mithril.deps.uses
    before = await browser.get(connection_of(console))
    assert "not since this is counted" in before.text

    used = console.clock.now() - timedelta(days=3)
    uses.note(console.world.connection_id, used)
    await uses.write()

    page = await browser.get(connection_of(console))
    assert f"{used:%Y-%m-%d %H:%M:%S} (to the hour)" in page.text
