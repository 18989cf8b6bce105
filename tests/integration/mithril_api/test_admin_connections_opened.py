"""PUT /admin/clients/{id}/connections: the upsert, and its secret (spec §1.4, D4)."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from services.mithril_api.actions.put_connection import put_connection
from services.mithril_api.domain.connections import Connection, Opened
from services.mithril_api.store import connections
from shared.models.ids import ConnectionId
from tests.builders import a_world
from tests.integration.mithril_api.administering import (
    NOBODY,
    NOT_FOUND,
    ask,
    refused,
    unfit,
    validation,
)
from tests.integration.mithril_api.asking import events_of
from tests.integration.mithril_api.conftest import Api
from tests.integration.mithril_api.connections import (
    CHANGED,
    FORMAT,
    ROTATED,
    SECRET,
    URI,
    digest_of,
    digests,
    pair,
    path_of,
    refreshes_with,
    told,
    without_secret,
)
from tests.races import until_waiting


class TestOpening:
    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
    async def test_an_app_on_the_users_own_machine_may_be_sent_back_to(
        self, api: Api, host: str
    ) -> None:
        clinic, mis = await a_world(api.deps), await a_world(api.deps)
        uri = f"http://{host}:8087/client/callback?a=b"
        body = {"consumer_id": str(mis.client_id), "redirect_uri": uri}

        response = await api.internal.put(f"/admin{path_of(clinic)}", json=body)

        assert response.status == 201
        assert (await response.json())["data"]["redirect_uri"] == uri

    async def test_a_new_connection_is_answered_with_its_secret_once(
        self, api: Api
    ) -> None:
        clinic, mis = await a_world(api.deps), await a_world(api.deps)
        body = {"consumer_id": str(mis.client_id), "redirect_uri": URI}

        response = await api.internal.put(f"/admin{path_of(clinic)}", json=body)

        data = (await response.json())["data"]
        secret = data.pop("secret")
        now = api.clock.now().strftime("%Y-%m-%dT%H:%M:%S.%f")
        path = f"{path_of(clinic)}/{data['id']}"
        assert response.status == 201
        assert response.headers["Location"] == f"/admin{path}"
        assert response.headers["Cache-Control"] == "no-store"
        assert SECRET.match(secret)
        assert data == {
            "id": data["id"],
            "redirect_uri": URI,
            "client_id": str(clinic.client_id),
            "consumer_id": str(mis.client_id),
            "inserted_at": now,
            "updated_at": now,
        }
        assert (await ask(api, "GET", path))[1]["data"] == data

    async def test_only_a_keyed_digest_of_the_secret_is_at_rest(self, api: Api) -> None:
        _, _, connection = await pair(api)

        expected = [(digest_of(api, connection["secret"]), None)]
        assert await digests(api, connection["id"]) == expected

    async def test_the_secret_opens_the_token_endpoint(self, api: Api) -> None:
        clinic, _, connection = await pair(api)

        assert await refreshes_with(api, clinic, [connection["secret"]]) == [201]

    async def test_a_secret_that_is_sent_is_ignored(self, api: Api) -> None:
        clinic, mis = await a_world(api.deps), await a_world(api.deps)
        mine = "I-would-like-to-choose"
        body = {"consumer_id": str(mis.client_id), "redirect_uri": URI, "secret": mine}

        _, answer = await ask(api, "PUT", path_of(clinic), body)

        assert SECRET.match(answer["data"]["secret"])
        assert await refreshes_with(api, clinic, [mine]) == [401]

    async def test_a_second_put_changes_it_and_rotates_the_secret(self, api: Api) -> None:
        clinic, mis, connection = await pair(api)
        body = {"consumer_id": str(mis.client_id), "redirect_uri": f"{URI}/new"}

        status, answer = await ask(api, "PUT", path_of(clinic), body)

        data = answer["data"]
        secret = data.pop("secret")
        assert status == 200
        assert data == {**without_secret(connection), "redirect_uri": f"{URI}/new"}
        assert secret != connection["secret"]
        both = [secret, connection["secret"]]
        assert await refreshes_with(api, clinic, both) == [201, 201]
        assert (await events_of(api))[:3] == [
            told(CHANGED, connection, change="created"),
            told(CHANGED, connection, change="updated"),
            told(ROTATED, connection),
        ]

    async def test_a_put_of_what_is_there_is_told_as_a_rotation_alone(
        self, api: Api
    ) -> None:
        clinic, mis, connection = await pair(api)
        body = {"consumer_id": str(mis.client_id)}

        status, _ = await ask(api, "PUT", path_of(clinic), body)

        assert status == 200
        assert (await events_of(api))[1:] == [told(ROTATED, connection)]

    async def test_of_two_that_open_it_at_once_one_makes_and_one_changes_it(
        self, api: Api
    ) -> None:
        clinic, mis = await a_world(api.deps), await a_world(api.deps)
        now = api.clock.now()
        first = Connection(
            id=ConnectionId(api.deps.entropy.uuid()),
            redirect_uri=URI,
            client_id=clinic.client_id,
            consumer_id=mis.client_id,
            inserted_at=now,
            updated_at=now,
        )
        async with api.deps.db.begin() as conn:
            assert await connections.add(conn, first)
            second = asyncio.create_task(
                put_connection(
                    api.deps,
                    client_id=clinic.client_id,
                    consumer_id=mis.client_id,
                    redirect_uri=f"{URI}/second",
                )
            )
            await until_waiting(api.deps)

        outcome = await second

        assert isinstance(outcome, Opened)
        assert (outcome.is_new, outcome.connection.id) == (False, first.id)
        assert outcome.connection.redirect_uri == f"{URI}/second"

    @pytest.mark.parametrize(
        ("but", "invalid"),
        [
            pytest.param(
                {"consumer_id": ...},
                [unfit("consumer_id", "required", "can't be blank")],
                id="no consumer",
            ),
            pytest.param(
                {"consumer_id": 42, "redirect_uri": 7},
                [
                    unfit("consumer_id", "cast", "is invalid", ("uuid",)),
                    unfit("redirect_uri", "cast", "is invalid", ("string",)),
                ],
                id="wrong types",
            ),
            pytest.param(
                {"redirect_uri": ...},
                [unfit("redirect_uri", "required", "can't be blank")],
                id="no redirect uri",
            ),
            pytest.param(
                {"redirect_uri": " "},
                [unfit("redirect_uri", "required", "can't be blank")],
                id="a blank redirect uri",
            ),
            *(
                pytest.param(
                    {"redirect_uri": uri},
                    [unfit("redirect_uri", "format", "has invalid format", (FORMAT,))],
                    id=repr(uri),
                )
                for uri in (
                    "http://mis.test/callback",
                    "http://localhost.mis.test/callback",
                    "http://localhost@mis.test/callback",
                    "http://127.0.0.1:80@mis.test/callback",
                    "http://127.0.0.1:8087/callback#fragment",
                    "http://127.0.0.1:8087/call\nback",
                    "https://",
                    "javascript:alert(1)//https://mis.test",
                    "https://mis.test/a b",
                    "https://mis.test/\r\nSet-Cookie: x",
                    "https://mis.test/#fragment",
                    "\nhttps://mis.test/",
                )
            ),
            pytest.param(
                {"redirect_uri": "https://mis.test/" + "x" * 2048},
                [
                    unfit(
                        "redirect_uri",
                        "length",
                        "should be at most 2048 character(s)",
                        {"max": 2048},
                    )
                ],
                id="too long",
            ),
            pytest.param(
                {"consumer_id": NOBODY},
                [unfit("consumer_id", None, "does not exist")],
                id="an unknown consumer",
            ),
        ],
    )
    async def test_an_unfit_body_is_refused_with_every_field_named(
        self, api: Api, but: dict[str, Any], invalid: list[dict[str, Any]]
    ) -> None:
        clinic, mis = await a_world(api.deps), await a_world(api.deps)
        full = {"consumer_id": str(mis.client_id), "redirect_uri": URI, **but}
        body = {name: item for name, item in full.items() if item is not ...}

        answered = await refused(api, "PUT", path_of(clinic), body)

        assert answered == validation(*invalid)
        assert await events_of(api) == []

    @pytest.mark.parametrize("client_id", [NOBODY, "42"])
    @pytest.mark.parametrize("uri", [{"redirect_uri": URI}, {}], ids=["whole", "part"])
    async def test_a_client_that_is_not_there_is_not_found(
        self, api: Api, client_id: str, uri: dict[str, str]
    ) -> None:
        world = await a_world(api.deps)
        body = {"consumer_id": str(world.client_id), **uri}

        answered = await refused(api, "PUT", f"/clients/{client_id}/connections", body)

        assert answered == NOT_FOUND


async def test_a_put_that_is_repeated_leaves_the_secret_of_the_first_time_working(
    api: Api,
) -> None:
    world = await a_world(api.deps)
    path = f"/admin/clients/{world.client_id}/connections"
    body = {"consumer_id": str(world.client_id), "redirect_uri": world.redirect_uri}

    secrets = []
    for _ in range(3):
        answer = await api.internal.put(path, json=body)
        secrets.append((await answer.json())["data"]["secret"])
        api.clock.advance(timedelta(seconds=1))

    worked = [
        (
            await api.public.post(
                "/oauth/tokens", json=world.refresh_body(client_secret=secret)
            )
        ).status
        for secret in (world.client_secret, *secrets)
    ]
    assert worked == [201, 401, 401, 201]
