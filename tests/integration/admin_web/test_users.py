"""Accounts: found, shown, blocked, their factors, sessions, approvals and roles changed."""

from typing import Any
from uuid import uuid4

import pytest

from shared.models.schema import mithril as tables
from tests.console import NOBODY, Console
from tests.pages import Browser, Page

HOSTILE = "<script>alert(1)</script>\"'&{{7*7}}"


def path_of(console: Console) -> str:
    return f"/users/{console.world.user_id}"


async def confirm(
    browser: Browser, path: str, values: dict[str, str] | None = None, **but: Any
) -> Page:
    """Open the page of a change and confirm it."""
    page = await browser.get(path)
    assert page.status == 200, page.text
    return await browser.submit(page, values, action=path, **but)


async def test_a_user_is_found_by_mail_and_shown_with_what_hangs_on_the_account(
    console: Console, browser: Browser
) -> None:
    found = await browser.get(f"/users?email={console.world.email}")
    assert path_of(console) in found.links

    page = await browser.get(path_of(console))

    assert console.world.email in page.title
    assert "DOCTOR" in page.text
    assert "Clinic" in page.text
    assert "refresh_token" in page.text
    assert console.world.refresh.value not in page.body


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("id=not-a-uuid", "Malformed request"),
        ("is_blocked=perhaps", "is blocked: is invalid"),
        ("id=%27%20OR%201%3D1--", "Malformed request"),
    ],
)
async def test_a_filter_that_cannot_be_taken_is_named(
    browser: Browser, query: str, said: str
) -> None:
    page = await browser.get(f"/users?{query}")
    assert page.status in {400, 422}
    assert said in page.alert


@pytest.mark.parametrize("query", [f"email={'x' * 5000}", "page=0", "page=x", "a=1"])
async def test_a_strange_query_finds_what_is_there(browser: Browser, query: str) -> None:
    assert (await browser.get(f"/users?{query}")).status == 200


@pytest.mark.parametrize("user_id", ["x", "1", "..%2f..%2fadmin", NOBODY])
async def test_a_user_who_is_not_there_is_a_page(browser: Browser, user_id: str) -> None:
    page = await browser.get(f"/users/{user_id}")
    assert (page.status, page.title) == (404, "Nothing is here — Mithril console")


async def test_a_long_list_is_shown_page_by_page_with_its_filters(
    console: Console, browser: Browser
) -> None:
    rows = [
        {"id": uuid4(), "email": f"u{n}@clinic.test", "password_hash": "!", "tax_id": "7"}
        for n in range(60)
    ]
    await console.do(tables.users.insert().values(rows))

    first = await browser.get("/users?tax_id=7")
    second = await browser.get("/users?tax_id=7&page=2")

    assert "Page 1 of 2, 60 in all" in first.text
    assert "/users?tax_id=7&page=2" in first.links
    assert "/users?tax_id=7&page=1" in second.links


async def test_blocking_asks_why_blocks_and_says_who_did_it(
    console: Console, browser: Browser
) -> None:
    path = f"{path_of(console)}/block"

    page = await confirm(browser, path, {"block_reason": "lost laptop"})

    assert page.path == path_of(console)
    assert "The account is blocked." in page.text
    assert "Blocked: lost laptop" in page.text
    [told] = await console.events("mithril.user.blocked.v1")
    assert told == {
        "actor_id": str(console.operator_id),
        "user_id": str(console.world.user_id),
        "reason": "lost laptop",
    }
    [revoked] = await console.events("mithril.token.revoked.v1")
    assert revoked["actor_id"] == str(console.operator_id)
    again = await browser.get(path_of(console))
    assert "The account is blocked." not in again.text  # said once


async def test_blocking_without_a_reason_changes_nothing(
    console: Console, browser: Browser
) -> None:
    page = await confirm(browser, f"{path_of(console)}/block", {"block_reason": "  "})
    assert page.status == 422
    assert "A reason is needed." in page.alert
    assert await console.events("mithril.user.blocked.v1") == []


async def test_a_form_that_is_sent_twice_says_what_is_so_already(
    console: Console, browser: Browser
) -> None:
    path = f"{path_of(console)}/block"
    page = await browser.get(path)
    typed = {"block_reason": "once"}

    first = await browser.submit(page, typed, action=path)
    second = await browser.submit(page, typed, action=path)

    assert (first.status, second.status) == (200, 409)
    assert second.alert
    assert len(await console.events("mithril.user.blocked.v1")) == 1


async def test_unblocking_opens_the_account_again(
    console: Console, browser: Browser
) -> None:
    await confirm(browser, f"{path_of(console)}/block", {"block_reason": "a"})
    page = await confirm(browser, f"{path_of(console)}/unblock", {"block_reason": "b"})
    assert "The account is unblocked." in page.text
    [told] = await console.events("mithril.user.unblocked.v1")
    assert (told["reason"], told["actor_id"]) == ("b", str(console.operator_id))


@pytest.mark.parametrize(
    ("actions", "said"),
    [
        (("reset",), "The factor is reset."),
        (("disable",), "The factor is disabled."),
        (("disable", "enable"), "The factor is enabled."),
    ],
)
async def test_a_factor_is_reset_disabled_and_enabled(
    console: Console, browser: Browser, actions: tuple[str, ...], said: str
) -> None:
    factor = uuid4()
    await console.do(
        tables.authentication_factors.insert().values(
            id=factor, user_id=console.world.user_id, type="SMS", factor="+380670000001"
        )
    )
    shown = await browser.get(path_of(console))
    assert "+380670000001" not in shown.body

    for action in actions:
        page = await confirm(browser, f"{path_of(console)}/factors/{factor}/{action}")

    assert said in page.text
    told = await console.events("mithril.user.factor-changed.v1")
    assert {event["actor_id"] for event in told} == {str(console.operator_id)}


async def test_a_factor_has_no_other_actions(console: Console, browser: Browser) -> None:
    page = await browser.get(f"{path_of(console)}/factors/{uuid4()}/delete")
    assert page.status == 404


async def test_all_sessions_end_at_once(console: Console, browser: Browser) -> None:
    page = await confirm(browser, f"{path_of(console)}/sessions/end")
    assert "All sessions of the account have ended." in page.text
    assert "No token matches." in page.text
    [told] = await console.events("mithril.token.revoked.v1")
    assert told["actor_id"] == str(console.operator_id)


async def test_an_approval_is_withdrawn(console: Console, browser: Browser) -> None:
    client = console.world.client_id
    page = await confirm(browser, f"{path_of(console)}/approvals/{client}/withdraw")
    assert "The user approved no client." in page.text
    [told] = await console.events("mithril.app.revoked.v1")
    assert told["actor_id"] == str(console.operator_id)
    gone = await browser.get(f"{path_of(console)}/approvals/{client}/withdraw")
    assert gone.status == 404


async def test_a_role_is_granted_everywhere_or_in_a_client_and_withdrawn(
    console: Console, browser: Browser
) -> None:
    role, path = str(console.operator.role_id), path_of(console)
    everywhere = {"role_id": role, "client_id": ""}
    in_one = {"role_id": role, "client_id": str(console.operator.client_id)}

    await confirm(browser, f"{path}/roles/grant", everywhere)
    page = await confirm(browser, f"{path}/roles/grant", in_one)

    withdrawals = [link for link in page.links if link.endswith("/withdraw")]
    roles = [link for link in withdrawals if "roles/" in link]
    assert len(roles) == 3  # the one of before, too
    for link in roles:
        page = await confirm(browser, link)
    assert "The user has no role." in page.text
    granted = await console.events("mithril.user.role-granted.v1")
    withdrawn = await console.events("mithril.user.role-withdrawn.v1")
    assert (len(granted), len(withdrawn)) == (2, 3)
    assert {event["actor_id"] for event in granted + withdrawn} == {
        str(console.operator_id)
    }


@pytest.mark.parametrize(
    "typed",
    [
        {"role_id": "", "client_id": ""},
        {"role_id": "x", "client_id": ""},
        {"role_id": NOBODY, "client_id": "x"},
        {"role_id": NOBODY, "client_id": NOBODY},
    ],
)
async def test_a_role_that_cannot_be_granted_is_explained(
    console: Console, browser: Browser, typed: dict[str, str]
) -> None:
    page = await confirm(browser, f"{path_of(console)}/roles/grant", typed)
    assert page.status in {400, 404, 422}
    assert page.alert
    assert await console.events("mithril.user.role-granted.v1") == []


async def test_hostile_names_are_shown_as_text(console: Console, browser: Browser) -> None:
    users, clients = tables.users, tables.clients
    world = console.world
    await console.do(
        users.update()
        .where(users.c.id == world.user_id)
        .values(email=HOSTILE, is_blocked=True, block_reason=HOSTILE)
    )
    await console.do(
        clients.update().where(clients.c.id == world.client_id).values(name=HOSTILE)
    )
    client = f"/clients/{world.client_id}"
    for path in (
        *("/users", path_of(console), f"{path_of(console)}/unblock"),
        *("/clients", client, f"{client}/edit", f"{client}/block"),
        f"{path_of(console)}/approvals/{world.client_id}/withdraw",
        f"{client}/connections/{world.connection_id}",
    ):
        page = await browser.get(path)
        assert page.status == 200
        assert "<script>alert" not in page.body
        assert HOSTILE in page.text
