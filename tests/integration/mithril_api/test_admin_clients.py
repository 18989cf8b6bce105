"""/admin/clients: making, changing, blocking and deleting clients (spec §1.4, §3.10)."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from services.mithril_api.actions.put_client import put_client
from services.mithril_api.domain.clients import Client, ClientChange
from services.mithril_api.store import clients
from shared.models.ids import ClientId, UserId
from shared.models.schema import mithril as tables
from shared.models.tokens import TokenName
from tests.builders import World, a_token, a_world, store
from tests.integration.mithril_api.administering import (
    MALFORMED,
    NOBODY,
    NOT_FOUND,
    ask,
    ids_of,
    refused,
    unfit,
    validation,
)
from tests.integration.mithril_api.asking import events_of, live_tokens, verify
from tests.integration.mithril_api.conftest import Api
from tests.races import until_waiting

REQUIRED = ("name", "user_id", "client_type_id")


def blank(*fields: str) -> list[dict[str, Any]]:
    return [unfit(field, "required", "can't be blank") for field in fields]


def body_of(world: World, **but: Any) -> dict[str, Any]:
    """A body that makes a client of the world's user and type; `...` leaves a field out."""
    client = {
        "name": "Clinic of Saint Luke",
        "user_id": str(world.user_id),
        "client_type_id": str(world.client_type_id),
        **but,
    }
    return {"client": {name: item for name, item in client.items() if item is not ...}}


async def made(api: Api, world: World, **but: Any) -> dict[str, Any]:
    status, answer = await ask(api, "POST", "/clients", body_of(world, **but))
    assert status == 201, answer
    data: dict[str, Any] = answer["data"]
    return data


async def blocks(api: Api, client_id: str) -> list[tuple[bool, str | None]]:
    h = tables.client_block_history
    query = select(h.c.is_blocked, h.c.block_reason).where(h.c.client_id == client_id)
    async with api.deps.db.read() as conn:
        rows = await conn.execute(query.order_by(h.c.id))
        return [(row.is_blocked, row.block_reason) for row in rows]


def now(api: Api) -> str:
    return api.clock.now().strftime("%Y-%m-%dT%H:%M:%S.%f")


class TestMaking:
    async def test_a_new_client_is_answered_whole_and_brokered_unless_it_says_otherwise(
        self, api: Api
    ) -> None:
        world = await a_world(api.deps)

        response = await api.internal.post("/admin/clients", json=body_of(world))

        data = (await response.json())["data"]
        assert response.status == 201
        assert response.headers["Location"] == f"/admin/clients/{data['id']}"
        assert data == {
            "id": data["id"],
            "name": "Clinic of Saint Luke",
            "settings": {},
            "priv_settings": {"access_type": "BROKER"},
            "is_blocked": False,
            "block_reason": None,
            "user_id": str(world.user_id),
            "client_type_id": str(world.client_type_id),
            "inserted_at": now(api),
            "updated_at": now(api),
        }

    async def test_a_new_client_is_told_and_begins_its_history(self, api: Api) -> None:
        world = await a_world(api.deps)

        client = await made(api, world)

        created = {
            "client_id": client["id"],
            "name": "Clinic of Saint Luke",
            "client_type": world.client_type,
        }
        assert await events_of(api) == [("mithril.client.created.v1", created)]
        assert await blocks(api, client["id"]) == [(False, None)]

    async def test_a_client_made_blocked_is_told_as_such(self, api: Api) -> None:
        world = await a_world(api.deps)

        client = await made(api, world, is_blocked=True, block_reason="debts")

        events = await events_of(api)
        blocked = {"client_id": client["id"], "reason": "debts"}
        assert events[1:] == [("mithril.client.blocked.v1", blocked)]
        assert await blocks(api, client["id"]) == [(True, "debts")]

    @pytest.mark.parametrize(
        ("but", "invalid"),
        [
            pytest.param(dict.fromkeys(REQUIRED, ...), blank(*REQUIRED), id="nothing"),
            pytest.param({"name": "  "}, blank("name"), id="a name of spaces"),
            pytest.param(
                {
                    "name": 1,
                    "user_id": "42",
                    "client_type_id": 3,
                    "settings": [],
                    "priv_settings": "x",
                    "is_blocked": "yes",
                    "block_reason": {},
                },
                [
                    unfit("name", "cast", "is invalid", ("string",)),
                    unfit("user_id", "cast", "is invalid", ("uuid",)),
                    unfit("client_type_id", "cast", "is invalid", ("uuid",)),
                    unfit("settings", "cast", "is invalid", ("map",)),
                    unfit("priv_settings", "cast", "is invalid", ("map",)),
                    unfit("is_blocked", "cast", "is invalid", ("boolean",)),
                    unfit("block_reason", "cast", "is invalid", ("string",)),
                ],
                id="wrong types",
            ),
            pytest.param(
                {"name": "n" * 256},
                [
                    unfit(
                        "name",
                        "length",
                        "should be at most 255 character(s)",
                        {"max": 255},
                    )
                ],
                id="too long",
            ),
            pytest.param(
                {"priv_settings": {}},
                [unfit("priv_settings", None, "access_type required.")],
                id="no access type",
            ),
            pytest.param(
                {"priv_settings": {"access_type": "DIRECTLY"}},
                [unfit("priv_settings", None, "access_type is invalid.")],
                id="an unknown access type",
            ),
            pytest.param(
                {"priv_settings": {"access_type": ["DIRECT"]}},
                [unfit("priv_settings", None, "access_type is invalid.")],
                id="an access type that is no text",
            ),
            pytest.param(
                {"priv_settings": {"access_type": "BROKER", "broker_scope": ["a:b"]}},
                [unfit("priv_settings.broker_scope", "cast", "is invalid", ("string",))],
                id="a broker scope that is no text",
            ),
            pytest.param(
                {"settings": {"refresh_token_policy": "never"}, "name": ...},
                [
                    *blank("name"),
                    unfit(
                        "settings.refresh_token_policy",
                        "inclusion",
                        "is invalid",
                        ("reuse", "rotate"),
                    ),
                ],
                id="an unknown refresh policy, and no name",
            ),
            pytest.param(
                {"settings": {"allowed_grant_types": "password"}},
                [unfit("settings.allowed_grant_types", "cast", "is invalid", ("array",))],
                id="grants that are no list",
            ),
        ],
    )
    async def test_an_unfit_body_is_refused_with_every_field_named(
        self, api: Api, but: dict[str, Any], invalid: list[dict[str, Any]]
    ) -> None:
        world = await a_world(api.deps)

        answered = await refused(api, "POST", "/clients", body_of(world, **but))

        assert answered == validation(*invalid)

    @pytest.mark.parametrize(
        ("field", "entry"), [("user_id", "user"), ("client_type_id", "client_type")]
    )
    async def test_what_it_names_must_exist(self, api: Api, field: str, entry: str) -> None:
        world = await a_world(api.deps)
        absent = validation(unfit(entry, None, "does not exist"))
        body = body_of(world, **{field: NOBODY})

        assert await refused(api, "POST", "/clients", body) == absent
        path = f"/clients/{world.client_id}"
        assert await refused(api, "PUT", path, body) == absent
        assert await events_of(api) == []

    @pytest.mark.parametrize("policy", ["reuse", "rotate"])
    async def test_a_known_refresh_policy_is_kept(self, api: Api, policy: str) -> None:
        world = await a_world(api.deps)

        client = await made(api, world, settings={"refresh_token_policy": policy})

        assert client["settings"] == {"refresh_token_policy": policy}


class TestShowing:
    async def test_one_client_is_shown_with_the_name_of_its_type(self, api: Api) -> None:
        world = await a_world(api.deps)
        client = await made(api, world)

        status, answer = await ask(api, "GET", f"/clients/{client['id']}")

        assert status == 200
        assert answer["data"] == {**client, "client_type_name": world.client_type}

    async def test_details_leave_out_what_is_private(self, api: Api) -> None:
        world = await a_world(api.deps)
        client = await made(api, world)

        status, answer = await ask(api, "GET", f"/clients/{client['id']}/details")

        del client["priv_settings"]
        assert status == 200
        assert answer["data"] == {**client, "client_type_name": world.client_type}

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", "/clients/{id}"),
            ("GET", "/clients/{id}/details"),
            ("DELETE", "/clients/{id}"),
            ("PATCH", "/clients/{id}/actions/deactivate_tokens"),
        ],
    )
    async def test_an_id_that_is_unknown_or_no_uuid(
        self, api: Api, method: str, path: str
    ) -> None:
        unknown = path.replace("{id}", NOBODY)
        no_uuid = path.replace("{id}", "42")

        assert await refused(api, method, unknown) == NOT_FOUND
        assert await refused(api, method, no_uuid) == MALFORMED

    async def test_a_list_is_filtered(self, api: Api) -> None:
        world, other = await a_world(api.deps), await a_world(api.deps)
        luke = await made(api, world, name="Saint LUKE 100%")
        mark = await made(api, world, name="Saint Mark", is_blocked=True)
        john = await made(api, other, name="Saint John")

        user, first = str(world.user_id), luke["id"]
        assert await ids_of(api, "/clients", id=first) == [first]
        assert await ids_of(api, "/clients", name="saint") == [
            first,
            mark["id"],
            john["id"],
        ]
        assert await ids_of(api, "/clients", name="e 100%") == [first]
        assert await ids_of(api, "/clients", name="%") == [first]
        assert await ids_of(api, "/clients", name="saint", user_id=user) == [
            first,
            mark["id"],
        ]
        assert await ids_of(api, "/clients", is_blocked="true") == [mark["id"]]
        assert await ids_of(api, "/clients", name="saint", is_blocked="false") == [
            first,
            john["id"],
        ]

    async def test_filters_that_are_unfit_are_named(self, api: Api) -> None:
        query = {"id": "42", "user_id": "x", "is_blocked": "perhaps"}

        assert await refused(api, "GET", "/clients", query=query) == validation(
            unfit("id", "cast", "is invalid", ("uuid",)),
            unfit("user_id", "cast", "is invalid", ("uuid",)),
            unfit("is_blocked", "cast", "is invalid", ("boolean",)),
        )


class TestChanging:
    @pytest.mark.parametrize("method", ["PUT", "PATCH"])
    async def test_a_change_leaves_alone_what_it_does_not_name(
        self, api: Api, method: str
    ) -> None:
        world = await a_world(api.deps)
        client = await made(api, world)
        made_at = now(api)
        api.clock.advance(timedelta(minutes=1))

        status, answer = await ask(
            api, method, f"/clients/{client['id']}", {"client": {"name": "Renamed"}}
        )

        assert status == 200
        assert answer["data"] == {
            **client,
            "name": "Renamed",
            "inserted_at": made_at,
            "updated_at": now(api),
        }
        updated = {
            "client_id": client["id"],
            "name": "Renamed",
            "client_type": world.client_type,
            "fields": ["name"],
        }
        assert (await events_of(api))[1:] == [("mithril.client.updated.v1", updated)]

    async def test_a_change_that_changes_nothing_is_not_told(self, api: Api) -> None:
        world = await a_world(api.deps)
        client = await made(api, world)
        path = f"/clients/{client['id']}"
        bodies: list[Any] = [{"client": {}}, body_of(world), {"client": client}]

        answers = [await ask(api, "PUT", path, body) for body in bodies]

        assert [(status, body["data"]) for status, body in answers] == [(200, client)] * 3
        assert len(await events_of(api)) == 1

    async def test_a_put_makes_the_client_that_is_not_there_and_answers_200(
        self, api: Api
    ) -> None:
        world = await a_world(api.deps)
        path = f"/clients/{NOBODY}"

        status, answer = await ask(api, "PUT", path, body_of(world))

        assert (status, answer["data"]["id"]) == (200, NOBODY)
        assert (await ask(api, "GET", path))[0] == 200
        assert [kind for kind, _ in await events_of(api)] == ["mithril.client.created.v1"]
        assert await blocks(api, NOBODY) == [(False, None)]

    async def test_a_put_of_a_client_that_is_not_there_needs_all_of_it(
        self, api: Api
    ) -> None:
        body = {"client": {"is_blocked": False}}

        answered = await refused(api, "PUT", f"/clients/{NOBODY}", body)

        assert answered == validation(*blank(*REQUIRED))

    async def test_a_change_may_not_blank_what_a_client_needs(self, api: Api) -> None:
        world = await a_world(api.deps)
        fields = (*REQUIRED, "settings", "priv_settings")
        body = {"client": dict.fromkeys(fields, "")}

        answered = await refused(api, "PUT", f"/clients/{world.client_id}", body)

        assert answered == validation(*blank(*fields))

    async def test_a_path_without_uuid_is_malformed(self, api: Api) -> None:
        world = await a_world(api.deps)

        assert await refused(api, "PUT", "/clients/42", body_of(world)) == MALFORMED

    async def test_of_two_that_make_one_client_the_second_changes_it(
        self, api: Api
    ) -> None:
        world = await a_world(api.deps)
        first = a_client(api, world, name="First")
        async with api.deps.db.begin() as conn:
            assert await clients.add(conn, first)
            change = ClientChange(
                name="Second", user_id=first.user_id, client_type_id=first.client_type_id
            )
            second = asyncio.create_task(put_client(api.deps, first.id, change))
            await until_waiting(api.deps)

        outcome = await second

        assert isinstance(outcome, Client)
        assert (outcome.name, outcome.id) == ("Second", first.id)
        assert [kind for kind, _ in await events_of(api)] == ["mithril.client.updated.v1"]

    async def test_of_two_changes_at_once_neither_is_lost(self, api: Api) -> None:
        world = await a_world(api.deps)
        async with api.deps.db.begin() as conn:
            held = await clients.hold(conn, world.client_id)
            assert held is not None
            waiting = asyncio.create_task(
                put_client(api.deps, world.client_id, ClientChange(name="Renamed"))
            )
            await until_waiting(api.deps)
            await conn.execute(
                tables.clients.update()
                .where(tables.clients.c.id == world.client_id)
                .values(block_reason="written meanwhile")
            )

        outcome = await waiting

        assert isinstance(outcome, Client)
        assert (outcome.name, outcome.block_reason) == ("Renamed", "written meanwhile")


def a_client(api: Api, world: World, **but: Any) -> Client:
    values: dict[str, Any] = {
        "id": ClientId(api.deps.entropy.uuid()),
        "name": "Clinic",
        "settings": {},
        "priv_settings": {"access_type": "DIRECT"},
        "is_blocked": False,
        "block_reason": None,
        "user_id": UserId(world.user_id),
        "client_type_id": world.client_type_id,
        "inserted_at": api.clock.now(),
        "updated_at": api.clock.now(),
        **but,
    }
    return Client(**values)


class TestBlocking:
    async def test_a_block_and_its_end_are_told_and_remembered(self, api: Api) -> None:
        world = await a_world(api.deps)
        client = await made(api, world)
        path = f"/clients/{client['id']}"
        for change in (
            {"is_blocked": True, "block_reason": "debts"},
            {"block_reason": "fraud"},
            {"is_blocked": False, "block_reason": None},
        ):
            assert (await ask(api, "PATCH", path, {"client": change}))[0] == 200

        assert await blocks(api, client["id"]) == [
            (False, None),
            (True, "debts"),
            (True, "fraud"),
            (False, None),
        ]
        told = [
            (kind, data.get("fields") or data.get("reason"))
            for kind, data in (await events_of(api))[1:]
        ]
        assert told == [
            ("mithril.client.updated.v1", ["is_blocked", "block_reason"]),
            ("mithril.client.blocked.v1", "debts"),
            ("mithril.client.updated.v1", ["block_reason"]),
            ("mithril.client.updated.v1", ["is_blocked", "block_reason"]),
            ("mithril.client.unblocked.v1", None),
        ]

    async def test_a_change_of_something_else_is_no_block(self, api: Api) -> None:
        world = await a_world(api.deps)
        client = await made(api, world)

        await ask(api, "PATCH", f"/clients/{client['id']}", {"client": {"name": "X"}})

        assert await blocks(api, client["id"]) == [(False, None)]

    async def test_a_blocked_clients_tokens_stay_but_are_refused(self, api: Api) -> None:
        world = await a_world(api.deps)
        access = a_token(api.deps, TokenName.ACCESS, world.user_id, world.client_id)
        await store(api.deps, access)
        path = f"/clients/{world.client_id}"

        await ask(api, "PATCH", path, {"client": {"is_blocked": True}})
        while_blocked = await verify(api, access.value)
        await ask(api, "PATCH", path, {"client": {"is_blocked": False}})

        assert (while_blocked, await verify(api, access.value)) == (401, 200)


class TestEnding:
    async def test_deactivated_tokens_end_and_those_of_others_go_on(self, api: Api) -> None:
        world, other = await a_world(api.deps), await a_world(api.deps)
        for of in (world, other):
            await store(
                api.deps, a_token(api.deps, TokenName.ACCESS, of.user_id, of.client_id)
            )
        path = f"/clients/{world.client_id}/actions/deactivate_tokens"

        status, answer = await ask(api, "PATCH", path)

        assert status == 200
        assert answer["data"]["id"] == str(world.client_id)
        assert answer["data"]["client_type_name"] == world.client_type
        assert await live_tokens(api, world.user_id) == []
        assert await live_tokens(api, other.user_id) == ["access_token", "refresh_token"]
        assert await events_of(api) == [
            ("mithril.token.revoked.v1", revoked(world, "client_tokens_deactivated", 2))
        ]

    async def test_a_second_deactivation_finds_nothing_to_tell(self, api: Api) -> None:
        world = await a_world(api.deps)
        path = f"/clients/{world.client_id}/actions/deactivate_tokens"

        assert [(await ask(api, "PATCH", path))[0] for _ in range(2)] == [200, 200]
        assert len(await events_of(api)) == 1

    async def test_a_deleted_client_takes_what_is_its_own_with_it(self, api: Api) -> None:
        world, other = await a_world(api.deps), await a_world(api.deps)

        status, _ = await ask(api, "DELETE", f"/clients/{world.client_id}")

        assert status == 204
        for table in (tables.connections, tables.apps, tables.user_roles):
            assert await count(api, table, world.client_id) == 0
            assert await count(api, table, other.client_id) == 1
        assert await events_of(api) == [
            ("mithril.client.deleted.v1", {"client_id": str(world.client_id)}),
            ("mithril.token.revoked.v1", revoked(world, "client_deleted", 1)),
        ]

    async def test_a_client_made_again_does_not_revive_the_old_tokens(
        self, api: Api
    ) -> None:
        world = await a_world(api.deps)
        access = a_token(api.deps, TokenName.ACCESS, world.user_id, world.client_id)
        await store(api.deps, access)
        before = await verify(api, access.value)
        path = f"/clients/{world.client_id}"

        await ask(api, "DELETE", path)
        direct = {"access_type": "DIRECT"}
        status, _ = await ask(api, "PUT", path, body_of(world, priv_settings=direct))

        assert (before, status, await verify(api, access.value)) == (200, 200, 401)


async def count(api: Api, table: Any, client_id: ClientId) -> int:
    query = select(func.count()).select_from(table).where(table.c.client_id == client_id)
    async with api.deps.db.read() as conn:
        return int((await conn.execute(query)).scalar_one())


def revoked(world: World, reason: str, how_many: int) -> dict[str, Any]:
    return {
        "selector": "client",
        "reason": reason,
        "user_id": None,
        "client_id": str(world.client_id),
        "app_id": None,
        "family_id": None,
        "token_id": None,
        "count": how_many,
    }
