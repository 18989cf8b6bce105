"""Roles, client types and tokens."""

from uuid import uuid4

import pytest

from services.admin_web.handlers.scope_lists import CLIENT_TYPE, ROLE, Kind
from tests.console import Console
from tests.integration.admin_web.test_clients import edit
from tests.integration.admin_web.test_users import confirm
from tests.pages import Browser

both = pytest.mark.parametrize("kind", [ROLE, CLIENT_TYPE], ids=["role", "client type"])


def path_of(console: Console, kind: Kind) -> str:
    world = console.world
    return f"{kind.path}/{world.role_id if kind is ROLE else world.client_type_id}"


@both
async def test_a_list_is_searched_by_name_and_scope(
    console: Console, browser: Browser, kind: Kind
) -> None:
    found = await browser.get(f"{kind.path}?scope=episode%3Awrite&page=1")
    assert found.status == 200
    assert path_of(console, kind) in found.links or "Page 1 of" in found.text
    assert "Nothing matches." in (await browser.get(f"{kind.path}?name=no-such")).text


@both
async def test_an_edit_shows_which_scopes_come_and_go_and_then_saves_them(
    console: Console, browser: Browser, kind: Kind
) -> None:
    path = f"{path_of(console, kind)}/edit"
    wanted = {"name": "Changed", "scope": "person:read\r\nvisit:read"}

    preview = await edit(browser, path, wanted)

    assert "Added: 1" in preview.text
    assert "Taken away: 2" in preview.text
    assert "Unchanged: 1" in preview.text
    page = await browser.submit(preview, action=path)
    assert page.title.startswith("Changed")
    name = kind.name.replace("_", "-")
    [told] = await console.events(f"mithril.{name}.changed.v1")
    assert told["scope"] == ["person:read", "visit:read"]
    assert told["actor_id"] == str(console.operator_id)


@both
@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"name": "", "scope": "a:read"}, "A name is needed."),
        ({"name": "x", "scope": " "}, "A scope is needed."),
        ({"name": "x", "scope": 'a"b'}, "characters that no scope has"),
    ],
)
async def test_an_unfit_edit_is_explained(
    console: Console, browser: Browser, kind: Kind, typed: dict[str, str], said: str
) -> None:
    page = await edit(browser, f"{path_of(console, kind)}/edit", typed)
    assert page.status == 422
    assert said in page.alert


async def test_tokens_are_found_by_user_client_and_kind_never_by_value(
    console: Console, browser: Browser
) -> None:
    world, token = console.world, console.world.refresh.token
    query = f"user_id={world.user_id}&client_id={world.client_id}&name=refresh_token"

    page = await browser.get(f"/tokens?{query}")
    by_value = await browser.get(f"/tokens?value={world.refresh.value}")
    by_id = await browser.get(f"/tokens?id={token.id}")

    assert f"/tokens/{token.id}" in page.links
    assert world.refresh.value not in page.body
    assert str(token.id) in by_value.body  # that filter is none: everything is listed
    assert by_id.path == f"/tokens/{token.id}"
    assert world.refresh.value not in by_id.body


@pytest.mark.parametrize("query", ["id=x", "user_id=x", "client_id=%27"])
async def test_an_id_that_is_none_is_named(browser: Browser, query: str) -> None:
    page = await browser.get(f"/tokens?{query}")
    assert page.status == 422
    assert "is invalid" in page.alert


async def test_a_token_is_revoked_and_gone(console: Console, browser: Browser) -> None:
    token = console.world.refresh.token
    page = await confirm(browser, f"/tokens/{token.id}/revoke")
    assert "The token is revoked." in page.text
    assert (await browser.get(f"/tokens/{token.id}")).status == 404
    [told] = await console.events("mithril.token.revoked.v1")
    assert told["actor_id"] == str(console.operator_id)
    assert (await browser.get(f"/tokens/{uuid4()}/revoke")).status == 404
