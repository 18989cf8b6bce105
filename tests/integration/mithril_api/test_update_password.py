"""Setting a new password with a change_password_token (spec §1.3 O7, §3.9, decision D14)."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from services.mithril_api.domain.minting import Minted
from shared.models.schema import mithril as tables
from shared.models.tokens import TokenName
from tests.builders import World
from tests.integration.mithril_api.asking import (
    Answered,
    a_clinic,
    a_session,
    bearer,
    entry,
    events_of,
    execute,
    live_tokens,
    log_in,
    required,
    verify,
)
from tests.integration.mithril_api.conftest import Api
from tests.races import until_waiting

PATH = "/oauth/users/actions/update_password"
NEW = "Another-Horse-10"
EXPIRED = (401, {"type": "token_expired", "message": "Token expired."})
INVALID = (401, {"type": "token_invalid", "message": "Invalid token."})
CHANGE = {"grant_type": "change_password", "scope": "user:change_password"}


async def a_change(api: Api) -> tuple[World, str]:
    world = await a_clinic(api.deps)
    token = await a_token_for(api, world)
    return world, token.value


async def a_token_for(
    api: Api, world: World, name: TokenName = TokenName.CHANGE_PASSWORD
) -> Minted:
    return await a_session(api, world, name, scope="user:change_password")


async def change(api: Api, value: str, password: Any = NEW) -> Answered:
    user = {} if password is ... else {"password": password}
    response = await api.public.post(PATH, json={"user": user}, headers=bearer(value))
    return response.status, await response.json()


def refused(answered: Answered) -> tuple[int, Any]:
    status, body = answered
    return status, body["error"]


async def test_a_new_password_is_set_and_the_user_is_answered(api: Api) -> None:
    world, token = await a_change(api)

    status, body = await change(api, token)

    assert (status, body["data"]) == (
        200,
        {
            "id": str(world.user_id),
            "email": world.email,
            "tax_id": "",
            "person_id": "",
            "settings": {},
            "is_blocked": False,
            "block_reason": None,
            "inserted_at": body["data"]["inserted_at"],
            "updated_at": api.clock.now().strftime("%Y-%m-%dT%H:%M:%S.000000"),
        },
    )
    old, _ = await log_in(api, world)
    new, _ = await log_in(api, world, password=NEW)
    assert (old, new) == (401, 201)


async def test_every_session_and_refresh_token_ends(api: Api) -> None:
    world, token = await a_change(api)
    other, _ = await a_change(api)
    session = await a_session(api, world, scope="app:authorize")
    await a_session(api, world, TokenName.CODE, scope="episode:read")

    await change(api, token)

    assert await live_tokens(api, world.user_id) == []
    assert await verify(api, session.value) == 401
    assert await live_tokens(api, other.user_id) == [
        "change_password_token",
        "refresh_token",
    ]
    assert await events_of(api) == [
        (
            "mithril.user.password-changed.v1",
            {"user_id": str(world.user_id), "by": "user"},
        ),
        (
            "mithril.token.revoked.v1",
            {
                "selector": "user",
                "reason": "password_changed",
                "user_id": str(world.user_id),
                "client_id": None,
                "app_id": None,
                "family_id": None,
                "token_id": None,
                "count": 4,
            },
        ),
    ]


async def test_the_whole_way_from_an_expired_password_to_a_session(api: Api) -> None:
    world = await a_clinic(api.deps)
    api.clock.advance(timedelta(days=90))

    expired, _ = await log_in(api, world)
    _, body = await log_in(api, world, **CHANGE)
    changed, _ = await change(api, body["data"]["value"])
    session, _ = await log_in(api, world, password=NEW)

    assert (expired, changed, session) == (401, 200, 201)


async def test_a_token_serves_once(api: Api) -> None:
    _, token = await a_change(api)
    await change(api, token)

    again = await change(api, token, "Third-Horse-1234")

    assert refused(again) == EXPIRED


async def test_of_two_uses_at_once_one_counts(api: Api) -> None:
    world, token = await a_change(api)
    async with api.deps.db.begin() as holder:
        await holder.execute(tables.users.select().with_for_update())
        both = [
            asyncio.create_task(change(api, token, password))
            for password in (NEW, "Third-Horse-1234")
        ]
        await until_waiting(api.deps, 2)
    answers = await asyncio.gather(*both)

    assert sorted(status for status, _ in answers) == [200, 401]
    assert [refused(item) for item in answers if item[0] == 401] == [EXPIRED]
    logins = [
        (await log_in(api, world, password=password))[0]
        for password in (NEW, "Third-Horse-1234")
    ]
    assert logins == [status if status == 401 else 201 for status, _ in answers]


async def test_a_sign_in_under_way_with_the_old_password_is_noticed(api: Api) -> None:
    world, token = await a_change(api)
    async with api.deps.db.begin() as holder:
        await holder.execute(tables.users.select().with_for_update())
        changing = asyncio.create_task(change(api, token))
        await until_waiting(api.deps, 1)
        signing_in = asyncio.create_task(log_in(api, world))
        await until_waiting(api.deps, 2)
    (changed, _), (signed_in, _) = await changing, await signing_in

    assert (changed, signed_in) == (200, 401)
    assert await live_tokens(api, world.user_id) == []


@pytest.mark.parametrize(
    ("password", "rules"),
    [
        pytest.param(..., required("password"), id="none"),
        pytest.param("  ", required("password"), id="blank"),
        pytest.param(
            "Short-1",
            [
                entry(
                    "password",
                    {
                        "rule": "length",
                        "params": {"min": 12},
                        "description": "should be at least 12 character(s)",
                    },
                )
            ],
            id="too short",
        ),
        pytest.param(
            "Correct-Horse-9",
            [
                entry(
                    "password",
                    {
                        "rule": "password_used",
                        "params": [],
                        "description": (
                            "This password has been used recently. Try another one"
                        ),
                    },
                )
            ],
            id="the present one",
        ),
    ],
)
async def test_a_password_that_breaks_a_rule_does_not_spend_the_token(
    api: Api, password: Any, rules: list[dict[str, Any]]
) -> None:
    _, token = await a_change(api)

    status, body = await change(api, token, password)
    then, _ = await change(api, token)

    assert (status, body["error"]["type"], body["error"]["invalid"]) == (
        422,
        "validation_failed",
        rules,
    )
    assert then == 200


async def test_a_password_that_became_a_former_one_meanwhile_is_not_taken(
    api: Api,
) -> None:
    world, token = await a_change(api)
    row = {"user_id": world.user_id, "inserted_at": api.clock.now()}
    used = await api.deps.passwords.hash(NEW)
    async with api.deps.db.begin() as other:
        await other.execute(tables.users.select().with_for_update())
        changing = asyncio.create_task(change(api, token))
        await until_waiting(api.deps)
        await other.execute(
            tables.password_history.insert().values(password_hash=used, **row)
        )
    status, body = await changing
    then, _ = await change(api, token, "Third-Horse-1234")

    rule = body["error"]["invalid"][0]["rules"][0]["rule"]
    assert (status, rule, then) == (422, "password_used", 200)


@pytest.mark.parametrize("value", ["never-issued", "mth" + "0" * 29])
async def test_an_unknown_token_is_invalid_whatever_the_password(
    api: Api, value: str
) -> None:
    assert refused(await change(api, value, "weak")) == INVALID


async def test_an_expired_token_does_not_serve(api: Api) -> None:
    _, token = await a_change(api)

    api.clock.advance(timedelta(hours=1))

    assert refused(await change(api, token)) == EXPIRED


@pytest.mark.parametrize(
    "name", [name for name in TokenName if name is not TokenName.CHANGE_PASSWORD]
)
async def test_another_kind_of_token_does_not_serve(api: Api, name: TokenName) -> None:
    world = await a_clinic(api.deps)
    token = await a_token_for(api, world, name)

    assert refused(await change(api, token.value)) == (
        401,
        {"type": "token_invalid_type", "message": "Invalid token type."},
    )


async def test_a_blocked_user_changes_nothing(api: Api) -> None:
    _, token = await a_change(api)
    await execute(api, update(tables.users).values(is_blocked=True))

    assert refused(await change(api, token)) == (
        401,
        {"type": "user_blocked", "message": "User blocked."},
    )


async def test_the_token_of_an_account_that_is_gone_is_invalid(api: Api) -> None:
    _, token = await a_change(api)
    await execute(api, tables.clients.delete())
    await execute(api, tables.users.delete())

    assert refused(await change(api, token)) == INVALID


async def test_without_a_bearer_nothing_is_looked_at(api: Api) -> None:
    response = await api.public.post(PATH, json={"user": {"password": NEW}})

    assert (response.status, (await response.json())["error"]) == (
        401,
        {"type": "access_denied", "message": "Authorization header required."},
    )


async def test_without_its_wrapper_a_body_is_malformed(api: Api) -> None:
    _, token = await a_change(api)

    response = await api.public.post(PATH, json={"password": NEW}, headers=bearer(token))

    error = (await response.json())["error"]
    assert (response.status, error["type"]) == (400, "request_malformed")
