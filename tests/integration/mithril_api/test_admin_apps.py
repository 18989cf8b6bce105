"""/admin/apps: the consents of the user who asks (spec §1.4; W25)."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import update

from services.mithril_api.store import apps
from shared.models.schema import mithril as tables
from shared.models.tokens import TokenName
from tests.builders import SCOPE, World, a_token, a_world, store
from tests.integration.mithril_api.administering import (
    MALFORMED,
    NOBODY,
    NOT_FOUND,
    ask,
    refused,
    tokens_revoked,
    unfit,
    validation,
)
from tests.integration.mithril_api.asking import (
    bearer,
    events_of,
    execute,
    live_tokens,
    verify,
)
from tests.integration.mithril_api.conftest import Api
from tests.races import until_waiting

MISSING = (401, {"type": "access_denied", "message": "Missing header x-consumer-id"})


def of(world: World) -> dict[str, str]:
    return {"x-consumer-id": str(world.user_id)}


async def listed(api: Api, world: World, **query: str) -> list[str]:
    status, body = await ask(api, "GET", "/apps", query=query, headers=of(world))
    assert status == 200, body
    return [item["id"] for item in body["data"]]


def app_of(world: World, api: Api, **but: Any) -> dict[str, Any]:
    return {
        "id": str(world.app_id),
        "scope": " ".join(SCOPE),
        "user_id": str(world.user_id),
        "client_id": str(world.client_id),
        "client_name": "Clinic",
        **but,
    }


def timeless(app: dict[str, Any]) -> dict[str, Any]:
    return {name: item for name, item in app.items() if not name.endswith("_at")}


class TestReading:
    async def test_a_consent_is_shown_whole(self, api: Api) -> None:
        world = await a_world(api.deps)

        status, one = await ask(api, "GET", f"/apps/{world.app_id}", headers=of(world))
        _, every = await ask(api, "GET", "/apps", headers=of(world))

        assert status == 200
        assert timeless(one["data"]) == app_of(world, api)
        assert {*one["data"]} - {*timeless(one["data"])} == {"created_at", "updated_at"}
        assert every["data"] == [one["data"]]
        assert every["paging"]["total_entries"] == 1

    async def test_a_list_is_the_callers_own(self, api: Api) -> None:
        mine, other = await a_world(api.deps), await a_world(api.deps)

        assert await listed(api, mine) == [str(mine.app_id)]
        assert await listed(api, other) == [str(other.app_id)]

    async def test_filters_choose_what_fits_any_of_them(self, api: Api) -> None:
        world, other = await a_world(api.deps), await a_world(api.deps)
        ours, theirs = tables.clients, other.client_id
        await execute(api, update(ours).where(ours.c.id == theirs).values(name="Ward 100%"))
        body = {"app": {"client_id": str(theirs), "scope": "person:read"}}
        _, made = await ask(api, "POST", "/apps", body, headers=of(world))
        first, second = str(world.app_id), made["data"]["id"]
        by_id = f"client-{world.client_id}"

        assert set(await listed(api, world)) == {first, second}
        assert await listed(api, world, client_ids=by_id) == [first]
        assert await listed(api, world, client_ids=f"client-{NOBODY}") == []
        assert await listed(api, world, client_names="client_name-war") == [second]
        assert await listed(api, world, client_names="client_name-%") == []
        assert await listed(api, world, client_names="client_name-100") == []
        either = {"client_ids": by_id, "client_names": "client_name-Ward 100%"}
        assert set(await listed(api, world, **either)) == {first, second}
        unmarked = {"client_ids": str(world.client_id), "client_names": "Ward"}
        assert set(await listed(api, world, **unmarked)) == {first, second}

    async def test_a_client_that_is_no_id_is_not_found(self, api: Api) -> None:
        world = await a_world(api.deps)
        query = {"client_ids": f"client-{world.client_id},client-1"}

        answer = await refused(api, "GET", "/apps", query=query, headers=of(world))

        assert answer == NOT_FOUND


class TestGiving:
    async def test_a_consent_is_made_and_published(self, api: Api) -> None:
        world, other = await a_world(api.deps), await a_world(api.deps)
        client_id = str(other.client_id)
        app = {"user_id": str(world.user_id), "client_id": client_id, "scope": "a b a"}

        response = await api.internal.post(
            "/admin/apps", json={"app": app}, headers=of(world)
        )

        data = (await response.json())["data"]
        now = api.clock.now().strftime("%Y-%m-%dT%H:%M:%S.%f")
        assert response.status == 201
        assert response.headers["Location"] == f"/admin/apps/{data['id']}"
        moments = {"created_at": now, "updated_at": now}
        changes = {"id": data["id"], "client_id": client_id, "scope": "a b", **moments}
        assert data == app_of(world, api, **changes)
        assert await events_of(api) == [
            (
                "mithril.app.approved.v1",
                {
                    "user_id": str(world.user_id),
                    "app_id": data["id"],
                    "client_id": client_id,
                    "scope": ["a", "b"],
                },
            )
        ]

    async def test_nobody_consents_for_another(self, api: Api) -> None:
        world, other = await a_world(api.deps), await a_world(api.deps)
        ids = {"user_id": str(other.user_id), "client_id": str(world.client_id)}
        app = {**ids, "scope": "person:read"}

        answer = await refused(api, "POST", "/apps", {"app": app}, headers=of(world))

        text = "is not the user who asks"
        assert answer == validation(unfit("user_id", "invalid", text))
        assert await events_of(api) == []

    async def test_a_consent_there_is_already_is_taken(self, api: Api) -> None:
        world = await a_world(api.deps)
        app = {"client_id": str(world.client_id), "scope": "person:read"}

        answer = await refused(api, "POST", "/apps", {"app": app}, headers=of(world))

        assert answer == validation(unfit("client_id", None, "has already been taken"))

    @pytest.mark.parametrize(
        ("app", "consumer", "invalid"),
        [
            pytest.param(
                {},
                ...,
                [
                    unfit("client_id", "required", "can't be blank"),
                    unfit("scope", "required", "can't be blank"),
                ],
                id="nothing",
            ),
            pytest.param(
                {"client_id": "1", "user_id": 2, "scope": 3},
                ...,
                [
                    unfit("user_id", "cast", "is invalid", ("uuid",)),
                    unfit("client_id", "cast", "is invalid", ("uuid",)),
                    unfit("scope", "cast", "is invalid", ("string",)),
                ],
                id="wrong types",
            ),
            pytest.param(
                {"client_id": NOBODY, "scope": "a"},
                ...,
                [unfit("client_id", None, "does not exist")],
                id="an unknown client",
            ),
            pytest.param(
                {"client_id": "ours", "scope": "a"},
                NOBODY,
                [unfit("user_id", None, "does not exist")],
                id="an unknown user",
            ),
        ],
    )
    async def test_unfit_fields_are_named(
        self, api: Api, app: dict[str, Any], consumer: Any, invalid: list[dict[str, Any]]
    ) -> None:
        world = await a_world(api.deps)
        if app.get("client_id") == "ours":
            app = {**app, "client_id": str(world.client_id)}
        headers = of(world) if consumer is ... else {"x-consumer-id": consumer}

        answer = await refused(api, "POST", "/apps", {"app": app}, headers=headers)

        assert answer == validation(*invalid)

    async def test_a_consent_given_while_the_former_is_withdrawn_is_a_new_one(
        self, api: Api
    ) -> None:
        world = await a_world(api.deps)
        async with api.deps.db.begin() as conn:
            await apps.remove(conn, world.app_id, user_id=world.user_id)
            consent = asyncio.create_task(approved(api, world, ["new:scope"]))
            await until_waiting(api.deps)

        assert await consent == ("new:scope",)

    async def test_of_two_consents_at_once_both_scopes_are_kept(self, api: Api) -> None:
        world = await a_world(api.deps, scope=("old:scope",))
        async with api.deps.db.begin() as conn:
            await apps.set_scope(
                conn,
                world.app_id,
                user_id=world.user_id,
                scope=["first:scope", "old:scope"],
                now=api.clock.now(),
            )
            consent = asyncio.create_task(
                approved(api, world, ["second:scope", "old:scope", "second:scope"])
            )
            await until_waiting(api.deps)

        assert await consent == ("second:scope", "old:scope", "first:scope")


async def approved(api: Api, world: World, scope: list[str]) -> tuple[str, ...]:
    async with api.deps.db.begin() as conn:
        app = await apps.approve(
            conn,
            new_id=api.deps.entropy.uuid(),
            user_id=world.user_id,
            client_id=world.client_id,
            scope=scope,
            now=api.clock.now(),
        )
    return app.scope


class TestChanging:
    @pytest.mark.parametrize("method", ["PUT", "PATCH"])
    async def test_the_scope_is_replaced_and_published(self, api: Api, method: str) -> None:
        world = await a_world(api.deps)
        change = {"app": {"scope": "person:read", "user_id": NOBODY, "client_id": NOBODY}}

        status, body = await ask(
            api, method, f"/apps/{world.app_id}", change, headers=of(world)
        )

        assert status == 200
        assert timeless(body["data"]) == app_of(world, api, scope="person:read")
        kind, data = (await events_of(api))[-1]
        assert (kind, data["scope"]) == ("mithril.app.approved.v1", ["person:read"])

    async def test_nothing_said_changes_nothing(self, api: Api) -> None:
        world = await a_world(api.deps)
        path = f"/apps/{world.app_id}"

        status, body = await ask(api, "PATCH", path, {"app": {}}, headers=of(world))

        assert (status, timeless(body["data"])) == (200, app_of(world, api))
        assert await events_of(api) == []

    async def test_a_scope_may_not_be_blanked(self, api: Api) -> None:
        world = await a_world(api.deps)
        path, change = f"/apps/{world.app_id}", {"app": {"scope": ""}}

        answer = await refused(api, "PUT", path, change, headers=of(world))

        assert answer == validation(unfit("scope", "required", "can't be blank"))


class TestWithdrawing:
    async def test_every_token_of_user_and_client_stops(self, api: Api) -> None:
        world = await a_world(api.deps)
        user_id, client_id = world.user_id, world.client_id
        access = a_token(api.deps, TokenName.ACCESS, user_id, client_id)
        session = a_token(api.deps, TokenName.ACCESS, user_id, None)
        code = a_token(api.deps, TokenName.CODE, user_id, client_id)
        await store(api.deps, access, session, code)

        status, _ = await ask(api, "DELETE", f"/apps/{world.app_id}", headers=of(world))

        assert status == 204
        assert await live_tokens(api, user_id) == ["access_token"]
        assert await verify(api, access.value) == 401
        ids = {"user_id": str(user_id), "client_id": str(client_id)}
        ids["app_id"] = str(world.app_id)
        assert await events_of(api) == [
            ("mithril.app.revoked.v1", ids),
            tokens_revoked("app", "app_deleted", count=3, **ids),
        ]

    async def test_a_consent_without_tokens_ends_none(self, api: Api) -> None:
        world = await a_world(api.deps)
        await ask(api, "DELETE", f"/users/{world.user_id}/tokens")

        status, _ = await ask(api, "DELETE", f"/apps/{world.app_id}", headers=of(world))

        assert status == 204
        assert (await events_of(api))[-1][0] == "mithril.app.revoked.v1"

    async def test_of_two_at_once_one_finds_nothing(self, api: Api) -> None:
        world = await a_world(api.deps)

        answers = await asyncio.gather(
            *(
                ask(api, "DELETE", f"/apps/{world.app_id}", headers=of(world))
                for _ in range(2)
            )
        )

        assert sorted(status for status, _ in answers) == [204, 404]


class TestWhoAsks:
    @pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
    async def test_anothers_consent_is_not_there(self, api: Api, method: str) -> None:
        world, other = await a_world(api.deps), await a_world(api.deps)
        body = {"app": {"scope": "a"}} if method in {"PUT", "PATCH"} else None
        path = f"/apps/{world.app_id}"

        answer = await refused(api, method, path, body, headers=of(other))

        assert answer == NOT_FOUND
        assert await live_tokens(api, world.user_id) == ["refresh_token"]

    @pytest.mark.parametrize(
        ("method", "path"),
        [("GET", ""), ("POST", ""), *((m, "/1") for m in ("GET", "PUT", "DELETE"))],
    )
    async def test_nobody_is_told_so(self, api: Api, method: str, path: str) -> None:
        assert await refused(api, method, f"/apps{path}") == MISSING

    @pytest.mark.parametrize(
        ("path", "consumer"), [("", "somebody"), ("/1", "ours"), ("/1", "somebody")]
    )
    async def test_an_id_that_is_none_is_malformed(
        self, api: Api, path: str, consumer: str
    ) -> None:
        world = await a_world(api.deps)
        headers = of(world) if consumer == "ours" else {"x-consumer-id": consumer}

        assert await refused(api, "GET", f"/apps{path}", headers=headers) == MALFORMED

    async def test_a_user_asks_with_a_token_of_the_scope(self, api: Api) -> None:
        world, other = await a_world(api.deps), await a_world(api.deps)
        token = a_token(
            api.deps, TokenName.ACCESS, world.user_id, world.client_id, scope=("app:read",)
        )
        await store(api.deps, token)
        headers = {**bearer(token.value), "x-consumer-id": str(other.user_id)}

        _, body = await ask(api, "GET", "/apps", headers=headers)
        status, error = await refused(
            api, "DELETE", f"/apps/{world.app_id}", headers=headers
        )

        # The header of somebody who is not the platform is not believed.
        assert [item["id"] for item in body["data"]] == [str(world.app_id)]
        assert (status, error["message"].rpartition(": ")[2]) == (403, "app:delete")
