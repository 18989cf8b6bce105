"""Any change of password: not to a breached one, and the user is told (spec §3.9, issue 4)."""

from typing import Any

import pytest
from sqlalchemy import select

from shared.models.schema import mithril as tables
from shared.models.tokens import TokenName
from tests.builders import World
from tests.integration.mithril_api.administering import ask, unfit, validation
from tests.integration.mithril_api.asking import a_clinic, a_session, bearer, live_tokens
from tests.integration.mithril_api.conftest import Api
from tests.integration.mithril_api.town import Town, count

BREACHED = "P@ssw0rd12345"  # which the rules about letters let through
NEW = "Another-Horse-10"
TOLD = validation(
    unfit(
        "password",
        "password_breached",
        "This password is known from a data breach. Try another one",
    )
)


async def by_token(api: Api, world: World, password: str) -> tuple[int, Any]:
    token = await a_session(
        api, world, TokenName.CHANGE_PASSWORD, scope="user:change_password"
    )
    response = await api.public.post(
        "/oauth/users/actions/update_password",
        json={"user": {"password": password}},
        headers=bearer(token.value),
    )
    return response.status, await response.json()


async def by_knowing(api: Api, world: World, password: str) -> tuple[int, Any]:
    user = {"password": password, "current_password": world.password}
    path = f"/users/{world.user_id}/actions/change_password"
    return await ask(api, "PATCH", path, {"user": user})


async def by_operator(api: Api, world: World, password: str) -> tuple[int, Any]:
    user = {"password": password}
    return await ask(api, "PATCH", f"/users/{world.user_id}", {"user": user})


each_way = pytest.mark.parametrize("change", [by_token, by_knowing, by_operator])


async def owed(api: Api) -> list[tuple[str, str]]:
    async with api.deps.db.read() as conn:
        query = select(tables.mails.c.kind, tables.mails.c.recipient)
        return [(row.kind, row.recipient) for row in await conn.execute(query)]


@each_way
async def test_the_user_is_owed_a_mail_and_every_session_ends(
    town: Town, change: Any
) -> None:
    world = await a_clinic(town.deps)
    await a_session(town, world, scope="app:authorize")

    status, _ = await change(town, world, NEW)

    assert status == 200
    assert await owed(town) == [("password_changed", world.email)]
    assert await live_tokens(town, world.user_id) == []


@each_way
async def test_a_breached_password_is_not_taken(town: Town, change: Any) -> None:
    world = await a_clinic(town.deps)

    status, body = await change(town, world, BREACHED)

    assert (status, body["error"]) == TOLD
    assert await owed(town) == []


async def test_nor_for_a_new_account(town: Town) -> None:
    user = {"email": "new@clinic.test", "password": BREACHED, "2fa_enable": False}
    before = await count(town.deps, tables.users)

    status, body = await ask(town, "POST", "/users", {"user": user})

    assert (status, body["error"]) == TOLD
    assert await count(town.deps, tables.users) == before


@each_way
async def test_a_list_that_is_away_keeps_nobody_from_a_new_password(
    town: Town, change: Any
) -> None:
    world = await a_clinic(town.deps)
    await town.fault("breach-list", status=503)

    status, _ = await change(town, world, NEW)

    name = "mithril_breach_list_unavailable_total"
    assert (status, town.built.registry.get_sample_value(name)) == (200, 1)


@each_way
async def test_without_a_list_and_a_mail_server_neither_is_asked(
    api: Api, change: Any
) -> None:
    world = await a_clinic(api.deps)

    status, _ = await change(api, world, BREACHED)

    assert (status, await owed(api)) == (200, [])
