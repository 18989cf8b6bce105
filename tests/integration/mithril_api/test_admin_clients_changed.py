"""PUT and PATCH /admin/clients/{id}: upserts, races, blocks (spec §1.4)."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from services.mithril_api.actions.put_client import put_client
from services.mithril_api.domain.clients import Client, ClientChange
from services.mithril_api.store import clients
from shared.models.schema import mithril as tables
from shared.models.tokens import TokenName
from tests.builders import a_token, a_world, store
from tests.integration.mithril_api.administering import (
    MALFORMED,
    NOBODY,
    ask,
    refused,
    unfit,
    validation,
)
from tests.integration.mithril_api.asking import events_of, verify
from tests.integration.mithril_api.clients import (
    REQUIRED,
    a_client,
    blank,
    blocks,
    body_of,
    made,
    now,
)
from tests.integration.mithril_api.conftest import Api
from tests.races import until_waiting


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

    @pytest.mark.parametrize("method", ["PUT", "PATCH"])
    async def test_a_change_may_not_promise_what_nobody_keeps(
        self, api: Api, method: str
    ) -> None:
        world = await a_world(api.deps)
        settings = {"jwks_uri": "https://x.test", "dpop_bound_access_tokens": False}
        body = {"client": {"settings": settings}}

        answered = await refused(api, method, f"/clients/{world.client_id}", body)

        said = unfit("settings.jwks_uri", "exclusion", "is not supported")
        assert answered == validation(said)

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
