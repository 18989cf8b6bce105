"""/admin/clients/{id}/connections: upserts, secrets at rest and in rotation (spec §1.4, D4)."""

import asyncio
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from services.mithril_api.actions.put_connection import put_connection
from services.mithril_api.actions.refresh_connection_secret import (
    refresh_connection_secret,
)
from services.mithril_api.domain.connections import Connection, Opened
from services.mithril_api.domain.keys import CONNECTION_SECRET
from services.mithril_api.store import connections
from shared.models.ids import ConnectionId
from shared.models.schema import mithril as tables
from tests.builders import World, a_world
from tests.integration.mithril_api.administering import (
    MALFORMED,
    NOBODY,
    NOT_FOUND,
    Answered,
    ask,
    ids_of,
    refused,
    unfit,
    validation,
)
from tests.integration.mithril_api.asking import events_of
from tests.integration.mithril_api.conftest import Api
from tests.races import until_waiting

URI = "https://mis.test/callback"
SECRET = re.compile(r"^[A-Za-z0-9]{32}\Z")
FORMAT = r"^https://[^\s\p{Cc}#]+$"
CHANGED = "mithril.connection.changed.v1"
ROTATED = "mithril.connection.secret-rotated.v1"


def path_of(world: World) -> str:
    return f"/clients/{world.client_id}/connections"


async def opened(api: Api, world: World, consumer: World, uri: str = URI) -> dict[str, Any]:
    body = {"consumer_id": str(consumer.client_id), "redirect_uri": uri}
    status, answer = await ask(api, "PUT", path_of(world), body)
    assert status == 201, answer
    data: dict[str, Any] = answer["data"]
    return data


async def pair(api: Api) -> tuple[World, World, dict[str, Any]]:
    """A clinic, a MIS, and the connection which the MIS has for the clinic."""
    clinic, mis = await a_world(api.deps), await a_world(api.deps)
    return clinic, mis, await opened(api, clinic, mis)


async def refreshes_with(api: Api, world: World, secrets: Sequence[str]) -> list[int]:
    """The statuses of the documented refresh with each secret."""
    statuses = []
    for secret in secrets:
        body = world.refresh_body(client_secret=secret)
        statuses.append((await api.public.post("/oauth/tokens", json=body)).status)
    return statuses


async def rotated(api: Api, connection: dict[str, Any], **headers: str) -> Answered:
    path = f"/clients/{connection['client_id']}/connections/{connection['id']}"
    return await ask(api, "PATCH", f"{path}/actions/refresh_secret", headers=headers)


def told(kind: str, connection: dict[str, Any], **but: str) -> tuple[str, dict[str, Any]]:
    names = {"client_id": "client_id", "connection_id": "id", "consumer_id": "consumer_id"}
    return kind, {**{key: connection[name] for key, name in names.items()}, **but}


async def digests(api: Api, connection_id: str) -> list[tuple[bytes, Any]]:
    s = tables.connection_secrets
    query = (
        select(s.c.digest, s.c.expires_at)
        .where(s.c.connection_id == connection_id)
        .order_by(s.c.expires_at.nulls_last())
    )
    async with api.deps.db.read() as conn:
        return [(row.digest, row.expires_at) for row in await conn.execute(query)]


def digest_of(api: Api, secret: str) -> bytes:
    return api.deps.settings.keyring.digest(CONNECTION_SECRET, secret)


class TestOpening:
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
                {"consumer_id": "42", "redirect_uri": 7},
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


class TestShowing:
    async def test_a_list_has_the_clients_own_without_secrets(self, api: Api) -> None:
        clinic, _, connection = await pair(api)

        status, answer = await ask(api, "GET", path_of(clinic))

        listed = {item["id"]: item for item in answer["data"]}
        assert status == 200
        assert listed.keys() == {str(clinic.connection_id), connection["id"]}
        assert listed[connection["id"]] == without_secret(connection)
        assert answer["paging"]["total_entries"] == 2

    async def test_a_list_is_filtered(self, api: Api) -> None:
        clinic, mis, connection = await pair(api)
        path, own = path_of(clinic), str(clinic.connection_id)

        consumer = str(mis.client_id)
        assert await ids_of(api, path, consumer_id=consumer) == [connection["id"]]
        assert await ids_of(api, path, redirect_uri="MIS.test/call") == [connection["id"]]
        assert await ids_of(api, path, redirect_uri="clinic.test") == [own]
        assert await ids_of(api, path, redirect_uri="%") == []
        assert await refused(api, "GET", path, query={"consumer_id": "42"}) == validation(
            unfit("consumer_id", "cast", "is invalid", ("uuid",))
        )

    @pytest.mark.parametrize(
        ("method", "action"),
        [
            ("GET", ""),
            ("PATCH", ""),
            ("DELETE", ""),
            ("PATCH", "/actions/refresh_secret"),
        ],
    )
    async def test_it_is_found_by_its_id_and_its_own_client_alone(
        self, api: Api, method: str, action: str
    ) -> None:
        clinic, mis, connection = await pair(api)
        body: Any = {} if method == "PATCH" else None
        own = connection["id"]
        for path, answer in (
            (f"{path_of(clinic)}/{NOBODY}", NOT_FOUND),
            (f"{path_of(mis)}/{own}", NOT_FOUND),
            (f"/clients/{NOBODY}/connections/{own}", NOT_FOUND),
            (f"{path_of(clinic)}/42", MALFORMED),
            (f"/clients/42/connections/{own}", MALFORMED),
        ):
            assert await refused(api, method, f"{path}{action}", body) == answer


class TestChanging:
    async def test_a_change_is_told_and_leaves_the_secret_alone(self, api: Api) -> None:
        clinic, _, connection = await pair(api)
        path = f"{path_of(clinic)}/{connection['id']}"

        status, answer = await ask(api, "PATCH", path, {"redirect_uri": f"{URI}/new"})

        expected = {**without_secret(connection), "redirect_uri": f"{URI}/new"}
        assert (status, answer["data"]) == (200, expected)
        assert (await events_of(api))[1:] == [told(CHANGED, connection, change="updated")]
        assert await refreshes_with(api, clinic, [connection["secret"]]) == [201]

    async def test_a_change_that_changes_nothing_is_not_told(self, api: Api) -> None:
        clinic, _, connection = await pair(api)
        path = f"{path_of(clinic)}/{connection['id']}"

        answers = [
            await ask(api, "PATCH", path, body) for body in ({}, {"redirect_uri": URI})
        ]

        assert [status for status, _ in answers] == [200, 200]
        assert len(await events_of(api)) == 1

    async def test_a_consumer_must_exist_and_has_one_connection(self, api: Api) -> None:
        clinic, _, connection = await pair(api)
        path = f"{path_of(clinic)}/{connection['id']}"

        unknown = await refused(api, "PATCH", path, {"consumer_id": NOBODY})
        taken = await refused(api, "PATCH", path, {"consumer_id": str(clinic.client_id)})

        assert unknown == validation(unfit("consumer_id", None, "does not exist"))
        assert taken == validation(unfit("consumer_id", None, "has already been taken"))

    async def test_an_unfit_change_is_refused_with_every_field_named(
        self, api: Api
    ) -> None:
        clinic, _, connection = await pair(api)
        path = f"{path_of(clinic)}/{connection['id']}"
        body = {"consumer_id": "", "redirect_uri": "http://mis.test"}

        assert await refused(api, "PATCH", path, body) == validation(
            unfit("redirect_uri", "format", "has invalid format", (FORMAT,)),
            unfit("consumer_id", "required", "can't be blank"),
        )

    async def test_a_deleted_connection_is_told_and_its_secret_works_no_more(
        self, api: Api
    ) -> None:
        clinic, _, connection = await pair(api)
        path = f"{path_of(clinic)}/{connection['id']}"

        status, _ = await ask(api, "DELETE", path)

        assert status == 204
        assert (await events_of(api))[1:] == [told(CHANGED, connection, change="deleted")]
        assert await refreshes_with(api, clinic, [connection["secret"]]) == [401]
        assert await refused(api, "GET", path) == NOT_FOUND


class TestRotating:
    async def test_a_clients_own_connection_needs_no_key(self, api: Api) -> None:
        clinic = await a_world(api.deps)
        own = {"id": str(clinic.connection_id), "client_id": str(clinic.client_id)}

        status, answer = await rotated(api, own)

        data = answer["data"]
        assert (status, data["id"]) == (200, str(clinic.connection_id))
        assert SECRET.match(data["secret"])
        assert await events_of(api) == [told(ROTATED, data)]

    async def test_the_former_secret_works_until_the_overlap_ends(self, api: Api) -> None:
        clinic, mis, connection = await pair(api)
        _, answer = await rotated(api, connection, **{"api-key": mis.client_secret})
        pair_of_secrets = [connection["secret"], answer["data"]["secret"]]
        overlap = timedelta(seconds=api.deps.settings.secret_overlap)
        await lengthen(api, clinic)

        at_once = await refreshes_with(api, clinic, pair_of_secrets)
        api.clock.advance(overlap - timedelta(seconds=1))
        near_the_end = await refreshes_with(api, clinic, pair_of_secrets)
        api.clock.advance(timedelta(seconds=1))
        after = await refreshes_with(api, clinic, pair_of_secrets)

        assert (at_once, near_the_end, after) == ([201, 201], [201, 201], [401, 201])

    async def test_no_more_than_two_secrets_ever_work(self, api: Api) -> None:
        clinic, mis, connection = await pair(api)
        secrets = [connection["secret"]]
        for _ in range(3):
            _, answer = await rotated(api, connection, **{"api-key": mis.client_secret})
            secrets.append(answer["data"]["secret"])

        assert await refreshes_with(api, clinic, secrets) == [401, 401, 201, 201]
        overlap = timedelta(seconds=api.deps.settings.secret_overlap)
        assert await digests(api, connection["id"]) == [
            (digest_of(api, secrets[2]), api.clock.now() + overlap),
            (digest_of(api, secrets[3]), None),
        ]

    async def test_rotations_at_once_take_turns(self, api: Api) -> None:
        clinic, mis, connection = await pair(api)
        own = ConnectionId(connection["id"])
        async with api.deps.db.begin() as conn:
            assert await connections.hold(conn, clinic.client_id, own)
            waiting = [
                asyncio.create_task(
                    refresh_connection_secret(
                        api.deps, clinic.client_id, own, api_key=mis.client_secret
                    )
                )
                for _ in range(2)
            ]
            await until_waiting(api.deps, 2)

        outcomes = await asyncio.gather(*waiting)

        secrets = [item.secret for item in outcomes if isinstance(item, Opened)]
        assert len(set(secrets)) == 2
        assert await refreshes_with(api, clinic, secrets) == [201, 201]
        assert await refreshes_with(api, clinic, [connection["secret"]]) == [401]

    @pytest.mark.parametrize(
        ("key", "status", "error"),
        [
            pytest.param(
                None,
                401,
                {"type": "access_denied", "message": "api-key header not set"},
                id="no key",
            ),
            pytest.param(
                "", 401, {"type": "access_denied", "message": "invalid api-key header"}
            ),
            pytest.param(
                "unknown",
                401,
                {"type": "access_denied", "message": "invalid api-key header"},
                id="an unknown key",
            ),
            pytest.param("clinic's", 403, {"type": "forbidden"}, id="another's key"),
        ],
    )
    async def test_a_consumer_proves_itself_by_its_own_key(
        self, api: Api, key: str | None, status: int, error: dict[str, str]
    ) -> None:
        clinic, _, connection = await pair(api)
        sent = clinic.client_secret if key == "clinic's" else key
        headers = {} if sent is None else {"api-key": sent}

        answered, answer = await rotated(api, connection, **headers)

        assert (answered, answer["error"]) == (status, error)
        assert (await events_of(api))[1:] == []

    async def test_a_consumers_key_works_while_it_rotates_out_and_no_longer(
        self, api: Api
    ) -> None:
        _, mis, connection = await pair(api)
        own = {"id": str(mis.connection_id), "client_id": str(mis.client_id)}
        await rotated(api, own)
        key = {"api-key": mis.client_secret}

        during, _ = await rotated(api, connection, **key)
        api.clock.advance(timedelta(seconds=api.deps.settings.secret_overlap))
        after, _ = await rotated(api, connection, **key)

        assert (during, after) == (200, 401)


def without_secret(connection: dict[str, Any]) -> dict[str, Any]:
    return {name: item for name, item in connection.items() if name != "secret"}


async def lengthen(api: Api, world: World) -> None:
    """Let the world's refresh token outlive the overlap of secrets."""
    path = f"/tokens/{world.refresh.token.id}"
    until = int((api.clock.now() + timedelta(days=30)).timestamp())
    status, answer = await ask(api, "PATCH", path, {"token": {"expires_at": until}})
    assert status == 200, answer
