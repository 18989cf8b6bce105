"""Two secrets at work while one rotates out; keys of consumers (spec §1.4, §3.10, D4)."""

import asyncio
from datetime import timedelta

import pytest

from services.mithril_api.actions.refresh_connection_secret import (
    refresh_connection_secret,
)
from services.mithril_api.domain.connections import Opened
from services.mithril_api.store import connections
from shared.models.ids import ConnectionId
from tests.builders import a_world
from tests.integration.mithril_api.asking import events_of
from tests.integration.mithril_api.conftest import Api
from tests.integration.mithril_api.connections import (
    ROTATED,
    SECRET,
    digest_of,
    digests,
    lengthen,
    pair,
    refreshes_with,
    rotated,
    told,
)
from tests.races import until_waiting


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
