"""PUT and PATCH /admin/users/{id}: changing accounts (spec §1.4, §3.9)."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from services.mithril_api.store import users
from shared.models.ids import UserId
from shared.models.schema import mithril as tables
from shared.models.tokens import TokenName
from tests.builders import a_token, a_world, store
from tests.integration.mithril_api.administering import (
    PASSWORD,
    a_user,
    ask,
    refused,
    tokens_revoked,
    unfit,
    validation,
)
from tests.integration.mithril_api.asking import events_of, live_tokens
from tests.integration.mithril_api.conftest import Api
from tests.races import until_waiting

COMPLEXITY = unfit(
    "password",
    "format",
    "Password does not meet complexity requirements",
    ("~r/^(?=.*[a-zа-яёїієґ])(?=.*[A-ZА-ЯЁЇIЄҐ])(?=.*\\d)/",),
)
TOO_SHORT = unfit("password", "length", "should be at least 12 character(s)", {"min": 12})
USED = unfit(
    "password",
    "password_used",
    "This password has been used recently. Try another one",
)
TAKEN = validation(unfit("email", None, "has already been taken"))


async def rows(api: Api, table: Any, user_id: str) -> int:
    column = table.c.id if table is tables.users else table.c.user_id
    query = select(func.count()).select_from(table).where(column == user_id)
    async with api.deps.db.read() as conn:
        return int((await conn.execute(query)).scalar_one())


async def signs_in_with(api: Api, user_id: str, password: str) -> bool:
    async with api.deps.db.read() as conn:
        user = await users.by_id(conn, UserId(user_id))  # type: ignore[arg-type]  # as it came
    assert user is not None
    return await api.deps.passwords.matches(user.password_hash, password)


class TestChanging:
    @pytest.mark.parametrize("method", ["PUT", "PATCH"])
    async def test_what_is_given_changes_and_the_rest_stays(
        self, api: Api, method: str
    ) -> None:
        user = await a_user(api, tax_id="1", settings={"language": "uk"})
        api.clock.advance(timedelta(minutes=1))

        status, body = await ask(
            api,
            method,
            f"/users/{user['id']}",
            {"user": {"email": "New@Clinic.test", "tax_id": "2"}},
        )

        now = api.clock.now().strftime("%Y-%m-%dT%H:%M:%S.%f")
        changed = {"email": "new@clinic.test", "tax_id": "2", "updated_at": now}
        assert (status, body["data"]) == (200, {**user, **changed})
        assert (await events_of(api))[-1] == (
            "mithril.user.updated.v1",
            {"user_id": user["id"], "fields": ["email", "tax_id"]},
        )

    async def test_blank_fields_go_back_to_their_defaults(self, api: Api) -> None:
        but: dict[str, Any] = {"tax_id": "1", "settings": {"a": 1}, "block_reason": "why"}
        user = await a_user(api, **but)
        blank = {"tax_id": "", "settings": None, "block_reason": None}

        status, body = await ask(api, "PATCH", f"/users/{user['id']}", {"user": blank})

        defaults: dict[str, Any] = {"tax_id": "", "settings": {}, "block_reason": None}
        assert (status, body["data"]) == (200, {**user, **defaults})

    async def test_what_changes_nothing_is_no_news(self, api: Api) -> None:
        user = await a_user(api, tax_id="1")

        status, body = await ask(
            api, "PATCH", f"/users/{user['id']}", {"user": {"tax_id": "1"}}
        )

        assert (status, body["data"]) == (200, user)
        assert len(await events_of(api)) == 1

    async def test_what_an_account_cannot_be_without_may_not_be_blanked(
        self, api: Api
    ) -> None:
        user = await a_user(api)
        blank = {"email": "", "password": None, "is_blocked": None, "tax_id": 1}

        answer = await refused(api, "PUT", f"/users/{user['id']}", {"user": blank})

        assert answer == validation(
            unfit("tax_id", "cast", "is invalid", ("string",)),
            unfit("email", "required", "can't be blank"),
            unfit("password", "required", "can't be blank"),
            unfit("is_blocked", "required", "can't be blank"),
        )

    async def test_anothers_email_is_taken_and_nothing_else_changes(self, api: Api) -> None:
        await a_user(api, "first@clinic.test")
        user = await a_user(api, "second@clinic.test")
        change = {
            "email": "first@clinic.test",
            "tax_id": "2",
            "password": "Another-Horse-9",
            "factor": "+380901234567",
            "2fa_enable": True,
        }

        answer = await refused(api, "PUT", f"/users/{user['id']}", {"user": change})

        _, found = await ask(api, "GET", f"/users/{user['id']}")
        assert (answer, found["data"]) == (TAKEN, user)
        assert await signs_in_with(api, user["id"], PASSWORD)
        assert await rows(api, tables.authentication_factors, user["id"]) == 0
        assert len(await events_of(api)) == 2

    async def test_a_new_password_ends_every_session_and_is_published(
        self, api: Api
    ) -> None:
        world = await a_world(api.deps)
        session = a_token(api.deps, TokenName.ACCESS, world.user_id, None)
        await store(api.deps, session)
        change = {"password": "Another-Horse-9"}

        status, _ = await ask(api, "PATCH", f"/users/{world.user_id}", {"user": change})

        assert status == 200
        assert await live_tokens(api, world.user_id) == []
        assert await signs_in_with(api, str(world.user_id), "Another-Horse-9")
        assert await events_of(api) == [
            (
                "mithril.user.password-changed.v1",
                {"user_id": str(world.user_id), "by": "operator"},
            ),
            tokens_revoked("user", "password_changed", user_id=str(world.user_id), count=2),
        ]

    async def test_the_last_three_passwords_may_not_be_set_again(self, api: Api) -> None:
        user = await a_user(api, password="First-Horse-01")
        path = f"/users/{user['id']}"
        for password in ("Second-Horse-2", "Third-Horse-03"):
            status, _ = await ask(api, "PATCH", path, {"user": {"password": password}})
            assert status == 200

        tries = ("First-Horse-01", "Second-Horse-2", "Third-Horse-03")
        answers = [
            await refused(api, "PATCH", path, {"user": {"password": password}})
            for password in tries
        ]

        assert answers == [validation(USED)] * 3
        assert await rows(api, tables.password_history, user["id"]) == 3
        await ask(api, "PATCH", path, {"user": {"password": "Fourth-Horse-4"}})
        status, _ = await ask(api, "PATCH", path, {"user": {"password": tries[0]}})
        assert status == 200
        assert await rows(api, tables.password_history, user["id"]) == 3

    async def test_the_password_of_an_account_moved_in_counts_though_it_has_no_history(
        self, api: Api
    ) -> None:
        world = await a_world(api.deps)
        path = f"/users/{world.user_id}"

        same = await refused(api, "PATCH", path, {"user": {"password": world.password}})
        await ask(api, "PATCH", path, {"user": {"password": "Another-Horse-9"}})
        former = await refused(api, "PATCH", path, {"user": {"password": world.password}})

        assert [same, former] == [validation(USED)] * 2

    async def test_of_one_password_set_twice_at_once_the_second_is_used_already(
        self, api: Api
    ) -> None:
        user = await a_user(api)
        path, change = f"/users/{user['id']}", {"user": {"password": "Another-Horse-9"}}
        async with api.deps.db.begin() as conn:
            await users.hold(conn, UserId(user["id"]))
            tries = [asyncio.create_task(ask(api, "PATCH", path, change)) for _ in "12"]
            await until_waiting(api.deps, 2)

        answers = await asyncio.gather(*tries)

        assert sorted(status for status, _ in answers) == [200, 422]
        assert await rows(api, tables.password_history, user["id"]) == 2

    async def test_a_factor_is_set_where_second_factors_are_wanted(self, api: Api) -> None:
        user = await a_user(api)
        path = f"/users/{user['id']}"
        numbers = ("+380901234567", "+380907654321")

        await ask(api, "PUT", path, {"user": {"factor": numbers[0], "2fa_enable": False}})
        assert await rows(api, tables.authentication_factors, user["id"]) == 0
        for number in numbers:
            await ask(api, "PUT", path, {"user": {"factor": number}})

        f = tables.authentication_factors
        query = select(f.c.factor).where(f.c.user_id == user["id"])
        async with api.deps.db.read() as conn:
            assert list((await conn.execute(query)).scalars()) == [numbers[1]]
        told = [data["change"] for kind, data in await events_of(api) if "factor" in kind]
        assert told == ["created", "changed"]

    async def test_a_block_by_a_field_leaves_the_tokens_but_nothing_takes_them(
        self, api: Api
    ) -> None:
        world = await a_world(api.deps)
        path = f"/users/{world.user_id}"
        change = {"is_blocked": True, "block_reason": "left"}

        _, blocked = await ask(api, "PATCH", path, {"user": change})
        refused = await api.public.post("/oauth/tokens", json=world.refresh_body())
        error = (await refused.json())["error"]
        _, unblocked = await ask(api, "PATCH", path, {"user": {"is_blocked": False}})

        assert [body["data"]["is_blocked"] for body in (blocked, unblocked)] == [
            True,
            False,
        ]
        assert (refused.status, error["type"]) == (401, "user_blocked")
        assert await live_tokens(api, world.user_id) == ["refresh_token"]
        user_id = str(world.user_id)
        assert await events_of(api) == [
            ("mithril.user.updated.v1", {"user_id": user_id, "fields": ["block_reason"]}),
            ("mithril.user.blocked.v1", {"user_id": user_id, "reason": "left"}),
            ("mithril.user.unblocked.v1", {"user_id": user_id, "reason": "left"}),
        ]
