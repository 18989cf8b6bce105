"""/admin/users: making, finding and deleting accounts (spec §1.4, §3.9)."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from services.mithril_api.actions.create_user import UserAsked, create_user
from services.mithril_api.actions.update_user import UserChange, update_user
from services.mithril_api.domain.passwords import complaints
from services.mithril_api.domain.refusals import Unfit
from services.mithril_api.store import users
from shared.models.ids import UserId
from shared.models.schema import mithril as tables
from shared.models.tokens import TokenName
from tests.builders import a_token, a_world, store
from tests.integration.mithril_api.administering import (
    MALFORMED,
    NOBODY,
    NOT_FOUND,
    PASSWORD,
    a_user,
    ask,
    ids_of,
    refused,
    tokens_revoked,
    unfit,
    validation,
)
from tests.integration.mithril_api.asking import events_of, live_tokens
from tests.integration.mithril_api.conftest import Api

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


class TestMaking:
    async def test_a_new_account_is_answered_whole_and_without_its_password(
        self, api: Api
    ) -> None:
        asked = {
            "email": "Doctor@Clinic.TEST",
            "password": PASSWORD,
            "tax_id": "3126509816",
            "person_id": NOBODY,
            "settings": {"language": "uk"},
            "block_reason": "none yet",
            "2fa_enable": False,
        }

        response = await api.internal.post("/admin/users", json={"user": asked})

        data = (await response.json())["data"]
        now = api.clock.now().strftime("%Y-%m-%dT%H:%M:%S.%f")
        assert response.status == 201
        assert response.headers["Location"] == f"/admin/users/{data['id']}"
        assert data == {
            "id": data["id"],
            "email": "doctor@clinic.test",
            "tax_id": "3126509816",
            "person_id": NOBODY,
            "settings": {"language": "uk"},
            "is_blocked": False,
            "block_reason": "none yet",
            "inserted_at": now,
            "updated_at": now,
        }
        assert await events_of(api) == [
            ("mithril.user.created.v1", {"user_id": data["id"]})
        ]
        assert await signs_in_with(api, data["id"], PASSWORD)

    @pytest.mark.parametrize(
        ("but", "factors"),
        [
            pytest.param({}, [None], id="as the settings say"),
            pytest.param({"2fa_enable": True}, [None], id="wanted"),
            pytest.param(
                {"2fa_enable": True, "factor": "+380901234567"},
                ["+380901234567"],
                id="wanted with a number",
            ),
            pytest.param({"2fa_enable": False}, [], id="not wanted"),
            pytest.param({"2fa_enable": "true"}, [], id="anything but true"),
            pytest.param({"2fa_enable": None}, [], id="null is not true"),
        ],
    )
    async def test_a_second_factor_is_made_where_it_is_wanted(
        self, api: Api, but: dict[str, Any], factors: list[str | None]
    ) -> None:
        asked = {"email": "doctor@clinic.test", "password": PASSWORD, **but}

        status, body = await ask(api, "POST", "/users", {"user": asked})

        f = tables.authentication_factors
        query = select(f.c.factor).where(f.c.user_id == body["data"]["id"])
        async with api.deps.db.read() as conn:
            found = list((await conn.execute(query)).scalars())
        assert (status, found) == (201, factors)
        told = [kind for kind, _ in await events_of(api)]
        assert told == [
            "mithril.user.created.v1",
            *("mithril.user.factor-changed.v1" for _ in factors),
        ]

    @pytest.mark.parametrize(
        ("but", "invalid"),
        [
            pytest.param(
                {"email": ..., "password": ...},
                [
                    unfit("email", "required", "can't be blank"),
                    unfit("password", "required", "can't be blank"),
                ],
                id="nothing",
            ),
            pytest.param(
                {"email": "", "password": " "},
                [
                    unfit("email", "required", "can't be blank"),
                    unfit("password", "required", "can't be blank"),
                ],
                id="blank",
            ),
            pytest.param(
                {"email": "not an e-mail", "password": "short"},
                [
                    unfit("email", "email", "is not a valid email"),
                    TOO_SHORT,
                    COMPLEXITY,
                ],
                id="every field is named, and every rule",
            ),
            pytest.param(
                {"email": 1, "password": [], "tax_id": {}, "settings": "x", "factor": 2},
                [
                    unfit("email", "cast", "is invalid", ("string",)),
                    unfit("password", "cast", "is invalid", ("string",)),
                    unfit("tax_id", "cast", "is invalid", ("string",)),
                    unfit("settings", "cast", "is invalid", ("map",)),
                    unfit("factor", "cast", "is invalid", ("string",)),
                ],
                id="wrong types",
            ),
            pytest.param(
                {"is_blocked": "yes", "block_reason": "x" * 256},
                [
                    unfit("is_blocked", "cast", "is invalid", ("boolean",)),
                    unfit(
                        "block_reason",
                        "length",
                        "should be at most 255 character(s)",
                        {"max": 255},
                    ),
                ],
                id="a text too long",
            ),
            pytest.param(
                {"factor": "0901234567"},
                [unfit("factor", "format", "invalid phone", (r"^\+380[0-9]{9}$",))],
                id="no phone number",
            ),
            pytest.param(
                {"factor": "+380901234567\n"},
                [unfit("factor", "format", "invalid phone", (r"^\+380[0-9]{9}$",))],
                id="a phone number with a newline",
            ),
        ],
    )
    async def test_unfit_fields_are_named(
        self, api: Api, but: dict[str, Any], invalid: list[dict[str, Any]]
    ) -> None:
        user = {"email": "doctor@clinic.test", "password": PASSWORD, **but}
        given = {name: item for name, item in user.items() if item is not ...}

        answer = await refused(api, "POST", "/users", {"user": given})

        assert answer == validation(*invalid)
        assert await events_of(api) == []

    async def test_settings_too_deep_to_be_written_are_no_settings(self, api: Api) -> None:
        deep: dict[str, Any] = {}
        for _ in range(300):
            deep = {"deeper": [deep]}
        user = {"email": "a@b.test", "password": PASSWORD, "settings": deep}

        answer = await refused(api, "POST", "/users", {"user": user})

        assert answer == validation(unfit("settings", "cast", "is invalid", ("map",)))

    @pytest.mark.parametrize("body", [{}, {"user": None}, {"user": []}, [], "user"])
    async def test_a_body_without_the_wrapper_is_malformed(
        self, api: Api, body: Any
    ) -> None:
        assert await refused(api, "POST", "/users", body) == MALFORMED

    async def test_an_email_is_taken_in_any_case_of_letters(self, api: Api) -> None:
        await a_user(api, "doctor@clinic.test")
        user = {"email": "DOCTOR@clinic.test", "password": PASSWORD}

        assert await refused(api, "POST", "/users", {"user": user}) == TAKEN

    async def test_of_two_accounts_with_one_email_at_once_one_is_made(
        self, api: Api
    ) -> None:
        user = {"email": "doctor@clinic.test", "password": PASSWORD}

        answers = await asyncio.gather(
            *(ask(api, "POST", "/users", {"user": user}) for _ in range(2))
        )

        assert sorted(status for status, _ in answers) == [201, 422]
        assert [kind for kind, _ in await events_of(api)] == [
            "mithril.user.created.v1",
            "mithril.user.factor-changed.v1",
        ]

    async def test_the_policy_holds_whoever_asks(self, api: Api) -> None:
        """The handler complains first; an action does not rely on it."""
        asked = UserAsked(
            email="doctor@clinic.test",
            password="short",
            tax_id="",
            person_id="",
            settings={},
            is_blocked=False,
            block_reason=None,
            with_factor=False,
            factor=None,
        )
        user = await a_user(api)
        change = UserChange(fields={}, password="short")

        outcomes = (
            await create_user(api.deps, asked),
            await update_user(api.deps, UserId(UUID(user["id"])), change),
        )

        assert outcomes == (Unfit(tuple(complaints("short"))),) * 2


class TestFinding:
    async def test_an_account_is_found_by_its_id(self, api: Api) -> None:
        user = await a_user(api)

        status, body = await ask(api, "GET", f"/users/{user['id']}")

        assert (status, body["data"]) == (200, user)

    @pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "PATCH"])
    async def test_an_unknown_account_is_not_found(self, api: Api, method: str) -> None:
        changes = method in {"PUT", "PATCH"}
        body: Any = {"user": {"tax_id": "1"}} if changes else None

        assert await refused(api, method, f"/users/{NOBODY}", body) == NOT_FOUND

    @pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "PATCH"])
    async def test_an_id_that_is_none_is_malformed(self, api: Api, method: str) -> None:
        body: Any = {"user": {}} if method in {"PUT", "PATCH"} else None

        assert await refused(api, method, "/users/1", body) == MALFORMED

    async def test_filters_choose_what_has_all_of_them(self, api: Api) -> None:
        first = await a_user(api, "first@clinic.test", tax_id="1")
        second = await a_user(api, "second@clinic.test", tax_id="2", is_blocked=True)
        both = f"{first['id']},{second['id']}"

        assert await ids_of(api, "/users", id=first["id"]) == [first["id"]]
        assert await ids_of(api, "/users", ids=both) == [first["id"], second["id"]]
        assert await ids_of(api, "/users", ids=both, id=second["id"]) == [second["id"]]
        assert await ids_of(api, "/users", id=NOBODY) == []
        assert await ids_of(api, "/users", email="FIRST@clinic.test") == [first["id"]]
        assert await ids_of(api, "/users", email="first") == []
        assert await ids_of(api, "/users", tax_id="2") == [second["id"]]
        assert await ids_of(api, "/users", is_blocked="true") == [second["id"]]
        assert await ids_of(api, "/users", ids=both, is_blocked="false") == [first["id"]]
        assert await ids_of(api, "/users", tax_id="1", is_blocked="true") == []

    @pytest.mark.parametrize("query", [{"id": "1"}, {"ids": f"{NOBODY},1"}])
    async def test_a_filter_by_no_id_is_malformed(
        self, api: Api, query: dict[str, str]
    ) -> None:
        assert await refused(api, "GET", "/users", query=query) == MALFORMED

    async def test_a_flag_that_is_none_is_named(self, api: Api) -> None:
        answer = await refused(api, "GET", "/users", query={"is_blocked": "maybe"})

        assert answer == validation(unfit("is_blocked", "cast", "is invalid", ("boolean",)))

    async def test_pages_follow_the_order_of_making(self, api: Api) -> None:
        made = []
        for number in range(3):
            api.clock.advance(timedelta(seconds=1))
            made.append((await a_user(api, f"{number}@clinic.test", tax_id="7"))["id"])

        query = {"tax_id": "7", "page_size": "2", "page": "2"}
        status, body = await ask(api, "GET", "/users", query=query)

        assert (status, [item["id"] for item in body["data"]]) == (200, made[2:])
        assert body["paging"] == {
            "page_number": 2,
            "page_size": 2,
            "total_entries": 3,
            "total_pages": 2,
        }


class TestDeleting:
    async def test_all_that_hangs_on_an_account_goes_with_it(self, api: Api) -> None:
        world = await a_world(api.deps)
        user_id = str(world.user_id)
        await ask(api, "PATCH", f"/users/{user_id}", {"user": {"factor": "+380901234567"}})

        status, _ = await ask(api, "DELETE", f"/users/{user_id}")

        assert status == 204
        hanging = (
            tables.users,
            tables.tokens,
            tables.apps,
            tables.user_roles,
            tables.authentication_factors,
            tables.clients,
        )
        assert [await rows(api, table, user_id) for table in hanging] == [0] * 6
        assert (await events_of(api))[1:] == [
            tokens_revoked("user", "user_deleted", user_id=user_id, count=1),
            ("mithril.client.deleted.v1", {"client_id": str(world.client_id)}),
            ("mithril.user.deleted.v1", {"user_id": user_id}),
        ]

    async def test_tokens_that_others_have_for_its_clients_stop_working(
        self, api: Api
    ) -> None:
        world = await a_world(api.deps)
        other = await a_user(api)
        theirs = a_token(api.deps, TokenName.ACCESS, other["id"], world.client_id)
        await store(api.deps, theirs)

        await ask(api, "DELETE", f"/users/{world.user_id}")

        assert await live_tokens(api, other["id"]) == []
        assert await rows(api, tables.tokens, other["id"]) == 0

    async def test_an_account_is_deleted_once(self, api: Api) -> None:
        user = await a_user(api)

        answers = await asyncio.gather(
            *(ask(api, "DELETE", f"/users/{user['id']}") for _ in range(2))
        )

        assert sorted(status for status, _ in answers) == [204, 404]
