"""Roles of users, in clients and everywhere (spec §1.4)."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import delete

from shared.models.schema import mithril as tables
from tests.builders import SCOPE, World, a_world
from tests.integration.mithril_api.administering import (
    MALFORMED,
    NOBODY,
    NOT_FOUND,
    a_user,
    ask,
    ids_of,
    refused,
    unfit,
    validation,
)
from tests.integration.mithril_api.asking import events_of
from tests.integration.mithril_api.conftest import Api
from tests.races import until_waiting

BAD_ID = ("cast", "is invalid", ("uuid",))


def grant_of(world: World) -> dict[str, Any]:
    return {"role_id": str(world.role_id), "client_id": str(world.client_id)}


async def granted(api: Api, world: World, user: dict[str, Any]) -> dict[str, Any]:
    path = f"/users/{user['id']}/roles"
    status, body = await ask(api, "POST", path, {"user_role": grant_of(world)})
    assert status == 201, body
    data: dict[str, Any] = body["data"]
    return data


class TestInAClient:
    async def test_a_grant_is_answered_with_its_scope_and_published(self, api: Api) -> None:
        world, user = await a_world(api.deps), await a_user(api)
        path = f"/users/{user['id']}/roles"

        response = await api.internal.post(
            f"/admin{path}", json={"user_role": grant_of(world)}
        )

        data = (await response.json())["data"]
        short = {"id": data["id"], "user_id": user["id"], **grant_of(world)}
        assert response.status == 201
        assert response.headers["Location"] == f"/admin{path}/{data['id']}"
        assert data == {**short, "scope": " ".join(SCOPE)}
        status, body = await ask(api, "GET", f"{path}/{data['id']}")
        assert (status, body["data"]) == (200, short)
        assert (await events_of(api))[-1] == (
            "mithril.user.role-granted.v1",
            {"user_id": user["id"], **grant_of(world)},
        )

    async def test_the_path_says_whose_it_is_whatever_the_body_says(self, api: Api) -> None:
        world, user = await a_world(api.deps), await a_user(api)
        grant = {**grant_of(world), "user_id": str(world.user_id)}
        path = f"/users/{user['id']}/roles"

        _, body = await ask(api, "POST", path, {"user_role": grant})

        assert body["data"]["user_id"] == user["id"]

    async def test_a_list_has_no_pages_and_names_what_it_lists(self, api: Api) -> None:
        world, user = await a_world(api.deps), await a_user(api)
        short = await granted(api, world, user)

        status, body = await ask(api, "GET", f"/users/{user['id']}/roles")

        now = api.clock.now().strftime("%Y-%m-%dT%H:%M:%S.%f")
        assert status == 200
        assert "paging" not in body
        role_name = body["data"][0]["role_name"]
        assert role_name.startswith("DOCTOR ")
        assert body["data"] == [
            {
                **short,
                "role_name": role_name,
                "client_name": "Clinic",
                "created_at": now,
                "updated_at": now,
            }
        ]

    async def test_filters_choose_what_has_all_of_them(self, api: Api) -> None:
        world, user = await a_world(api.deps), await a_user(api)
        mine = (await granted(api, world, user))["id"]
        mine_too = f"/users/{user['id']}/roles"
        (theirs,) = await ids_of(api, f"/users/{world.user_id}/roles")
        role, client = str(world.role_id), str(world.client_id)
        both = f"{user['id']},{world.user_id}"

        assert set(await ids_of(api, "/user_roles")) == {mine, theirs}
        assert set(await ids_of(api, "/user_roles", role_id=role)) == {mine, theirs}
        assert set(await ids_of(api, "/user_roles", user_ids=both)) == {mine, theirs}
        assert await ids_of(api, "/user_roles", user_id=user["id"]) == [mine]
        assert await ids_of(api, "/user_roles", user_ids=both, user_id=user["id"]) == [mine]
        assert await ids_of(api, "/user_roles", client_id=NOBODY) == []
        assert await ids_of(api, mine_too, client_id=client) == [mine]
        assert await ids_of(api, mine_too, user_id=str(world.user_id)) == []
        assert await ids_of(api, f"/users/{NOBODY}/roles") == []

    @pytest.mark.parametrize("path", ["/user_roles", f"/users/{NOBODY}/roles"])
    async def test_filters_by_no_ids_are_named(self, api: Api, path: str) -> None:
        names = ("user_id", "role_id", "client_id")
        query = {**dict.fromkeys(names, "1"), "user_ids": f"{NOBODY},1"}

        status, error = await refused(api, "GET", path, query=query)

        assert (status, error["type"]) == (422, "validation_failed")
        named = {item["entry"]: item for item in error["invalid"]}
        assert named == {f"$.{name}": unfit(name, *BAD_ID) for name in (*names, "user_ids")}

    async def test_a_grant_there_is_already_is_taken(self, api: Api) -> None:
        world, user = await a_world(api.deps), await a_user(api)
        await granted(api, world, user)
        path = f"/users/{user['id']}/roles"

        answer = await refused(api, "POST", path, {"user_role": grant_of(world)})

        assert answer == validation(unfit("user_roles", None, "has already been taken"))

    async def test_of_two_grants_at_once_one_is_made(self, api: Api) -> None:
        world, user = await a_world(api.deps), await a_user(api)
        path = f"/users/{user['id']}/roles"

        answers = await asyncio.gather(
            *(ask(api, "POST", path, {"user_role": grant_of(world)}) for _ in "12")
        )

        assert sorted(status for status, _ in answers) == [201, 422]

    @pytest.mark.parametrize("missing", ["role_id", "client_id", "user_id"])
    async def test_what_is_not_there_does_not_exist(self, api: Api, missing: str) -> None:
        world, user = await a_world(api.deps), await a_user(api)
        ids = {**grant_of(world), "user_id": user["id"], missing: NOBODY}
        path = f"/users/{ids['user_id']}/roles"

        answer = await refused(api, "POST", path, {"user_role": ids})

        assert answer == validation(unfit(missing, None, "does not exist"))

    @pytest.mark.parametrize(
        ("grant", "invalid"),
        [
            pytest.param(
                {},
                [
                    unfit("role_id", "required", "can't be blank"),
                    unfit("client_id", "required", "can't be blank"),
                ],
                id="nothing",
            ),
            pytest.param(
                {"role_id": "1", "client_id": 2},
                [unfit("role_id", *BAD_ID), unfit("client_id", *BAD_ID)],
                id="no ids",
            ),
        ],
    )
    async def test_unfit_fields_are_named(
        self, api: Api, grant: dict[str, Any], invalid: list[dict[str, Any]]
    ) -> None:
        path = f"/users/{NOBODY}/roles"

        answer = await refused(api, "POST", path, {"user_role": grant})

        assert answer == validation(*invalid)

    async def test_a_grant_is_shown_for_its_user_only(self, api: Api) -> None:
        world, user = await a_world(api.deps), await a_user(api)
        mine = (await granted(api, world, user))["id"]

        answers = [
            await refused(api, "GET", f"/users/{user_id}/roles/{grant_id}")
            for user_id, grant_id in [
                (world.user_id, mine),
                (user["id"], NOBODY),
                (user["id"], "1"),
                ("1", mine),
            ]
        ]

        assert answers == [NOT_FOUND, NOT_FOUND, MALFORMED, MALFORMED]

    async def test_withdrawing_takes_what_the_filters_choose(self, api: Api) -> None:
        world, user = await a_world(api.deps), await a_user(api)
        mine = f"/users/{user['id']}/roles"
        await granted(api, world, user)
        _, body = await ask(api, "GET", mine)
        role_name = body["data"][0]["role_name"]
        others: list[dict[str, str]] = [
            {"role_name": "OWNER"},
            {"client_id": NOBODY},
            {"role_id": NOBODY},
            {"user_ids": str(world.user_id)},
        ]
        for query in others:
            assert await ask(api, "DELETE", mine, query=query) == (204, {})
        assert len(await ids_of(api, mine)) == 1

        await ask(api, "DELETE", mine, query={"role_name": role_name})

        assert await ids_of(api, mine) == []
        assert len(await ids_of(api, f"/users/{world.user_id}/roles")) == 1
        withdrawn = [data for kind, data in await events_of(api) if "withdrawn" in kind]
        assert withdrawn == [{"user_id": user["id"], **grant_of(world)}]

    async def test_all_roles_of_a_user_are_withdrawn_at_once(self, api: Api) -> None:
        world = await a_world(api.deps)
        path = f"/users/{world.user_id}/roles"

        status, _ = await ask(api, "DELETE", path)

        assert (status, await ids_of(api, path)) == (204, [])

    async def test_a_filter_by_no_id_withdraws_nothing(self, api: Api) -> None:
        world = await a_world(api.deps)
        path = f"/users/{world.user_id}/roles"

        answer = await refused(api, "DELETE", path, query={"client_id": "1"})

        assert answer == validation(unfit("client_id", *BAD_ID))
        assert len(await ids_of(api, path)) == 1

    async def test_one_grant_is_withdrawn_by_its_id_once(self, api: Api) -> None:
        world = await a_world(api.deps)
        (grant,) = await ids_of(api, f"/users/{world.user_id}/roles")

        status, _ = await ask(api, "DELETE", f"/users/roles/{grant}")
        again = await refused(api, "DELETE", f"/users/roles/{grant}")
        nothing = await refused(api, "DELETE", "/users/roles/1")

        assert (status, again, nothing) == (204, NOT_FOUND, MALFORMED)
        assert await events_of(api) == [
            (
                "mithril.user.role-withdrawn.v1",
                {"user_id": str(world.user_id), **grant_of(world)},
            )
        ]


class TestEverywhere:
    async def test_a_grant_is_answered_whole_and_published(self, api: Api) -> None:
        world = await a_world(api.deps)
        path, role_id = f"/users/{world.user_id}/global_roles", str(world.role_id)

        response = await api.internal.post(
            f"/admin{path}", json={"global_user_role": {"role_id": role_id}}
        )

        data = (await response.json())["data"]
        now = api.clock.now().strftime("%Y-%m-%dT%H:%M:%S.%f")
        assert response.status == 201
        assert response.headers["Location"] == f"/admin{path}/{data['id']}"
        assert data == {
            "id": data["id"],
            "user_id": str(world.user_id),
            "role_id": role_id,
            "role_name": data["role_name"],
            "scope": " ".join(SCOPE),
            "inserted_at": now,
            "updated_at": now,
        }
        assert data["role_name"].startswith("DOCTOR ")
        _, one = await ask(api, "GET", f"{path}/{data['id']}")
        _, every = await ask(api, "GET", path)
        assert (one["data"], every["data"]) == (data, [data])
        assert await events_of(api) == [
            (
                "mithril.user.role-granted.v1",
                {"user_id": str(world.user_id), "role_id": role_id, "client_id": None},
            )
        ]

    async def test_a_grant_there_is_already_is_answered_as_it_is_stored(
        self, api: Api
    ) -> None:
        world = await a_world(api.deps)
        path = f"/users/{world.user_id}/global_roles"
        grant = {"global_user_role": {"role_id": str(world.role_id)}}

        first, second = await asyncio.gather(*(ask(api, "POST", path, grant) for _ in "12"))

        assert (first[0], second[0]) == (201, 201)
        assert first[1]["data"] == second[1]["data"]
        assert await ids_of(api, path) == [first[1]["data"]["id"]]
        assert len(await events_of(api)) == 1

    async def test_a_grant_that_meets_a_withdrawal_is_made_anew(self, api: Api) -> None:
        world = await a_world(api.deps)
        path = f"/users/{world.user_id}/global_roles"
        grant = {"global_user_role": {"role_id": str(world.role_id)}}
        _, former = await ask(api, "POST", path, grant)
        async with api.deps.db.begin() as conn:
            await conn.execute(delete(tables.global_user_roles))
            again = asyncio.create_task(ask(api, "POST", path, grant))
            await until_waiting(api.deps)

        status, body = await again

        assert status == 201
        assert await ids_of(api, path) == [body["data"]["id"]]
        assert body["data"]["id"] != former["data"]["id"]

    @pytest.mark.parametrize("missing", ["role_id", "user_id"])
    async def test_what_is_not_there_does_not_exist(self, api: Api, missing: str) -> None:
        world = await a_world(api.deps)
        ids = {"role_id": str(world.role_id), "user_id": str(world.user_id)}
        ids[missing] = NOBODY
        path = f"/users/{ids['user_id']}/global_roles"

        answer = await refused(
            api, "POST", path, {"global_user_role": {"role_id": ids["role_id"]}}
        )

        assert answer == validation(unfit(missing, None, "does not exist"))

    async def test_a_grant_is_shown_and_withdrawn_for_its_user_only(self, api: Api) -> None:
        world, user = await a_world(api.deps), await a_user(api)
        mine = f"/users/{world.user_id}/global_roles"
        grant = {"global_user_role": {"role_id": str(world.role_id)}}
        _, body = await ask(api, "POST", mine, grant)
        grant_id = body["data"]["id"]

        for method in ("GET", "DELETE"):
            theirs = f"/users/{user['id']}/global_roles/{grant_id}"
            assert await refused(api, method, theirs) == NOT_FOUND
            assert await refused(api, method, f"{mine}/1") == MALFORMED
        status, _ = await ask(api, "DELETE", f"{mine}/{grant_id}")
        again = await refused(api, "DELETE", f"{mine}/{grant_id}")

        assert (status, again) == (204, NOT_FOUND)
        assert (await events_of(api))[-1] == (
            "mithril.user.role-withdrawn.v1",
            {
                "user_id": str(world.user_id),
                "role_id": str(world.role_id),
                "client_id": None,
            },
        )
