"""What the console asks of mithril-api: who did it, secrets in use, consents, what waits."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.mithril_api.uses import COARSE
from shared.models.schema import mithril as tables
from tests.builders import World, a_world
from tests.integration.mithril_api.administering import NOBODY, NOT_FOUND, ask, refused
from tests.integration.mithril_api.asking import (
    a_session,
    bearer,
    events_of,
)
from tests.integration.mithril_api.conftest import SERVICE_TOKEN, Api
from tests.integration.mithril_api.connections import lengthen, pair, refreshes_with


async def rotate(api: Api, connection: dict[str, Any], **headers: str) -> tuple[int, Any]:
    path = f"/clients/{connection['client_id']}/connections/{connection['id']}"
    return await ask(api, "PATCH", f"{path}/actions/rotate_secret", headers=headers)


async def in_use(api: Api, world: World) -> dict[str, Any]:
    """What is told of the use of a world's own connection."""
    path = f"/clients/{world.client_id}/connections/{world.connection_id}"
    status, answer = await ask(api, "GET", path)
    assert status == 200
    urgent: dict[str, Any] = answer["urgent"]
    return urgent


class TestWhoDidIt:
    async def test_an_event_names_the_user_whose_token_asked(self, api: Api) -> None:
        world, operator = await a_world(api.deps), await a_world(api.deps)
        token = await a_session(api, operator, scope="user:block")

        path = f"/users/{world.user_id}/actions/block"
        status, _ = await ask(api, "PATCH", path, headers=bearer(token.value))

        assert status == 200
        told = dict(await events_of(api))
        for kind in ("mithril.user.blocked.v1", "mithril.token.revoked.v1"):
            assert told[kind]["actor_id"] == str(operator.user_id)
            assert told[kind]["user_id"] == str(world.user_id)

    async def test_the_platform_may_say_for_whom_it_asks(self, api: Api) -> None:
        world, by = await a_world(api.deps), str(uuid4())
        for path, consumer in (("block", by), ("unblock", "nobody's id")):
            headers = {**bearer(SERVICE_TOKEN), "x-consumer-id": consumer}
            whole = f"/users/{world.user_id}/actions/{path}"
            assert (await ask(api, "PATCH", whole, headers=headers))[0] == 200
        told = dict(await events_of(api))
        assert told["mithril.user.blocked.v1"]["actor_id"] == by
        assert "actor_id" not in told["mithril.user.unblocked.v1"]

    async def test_the_next_request_on_the_same_connection_is_its_own(
        self, api: Api
    ) -> None:
        world, operator = await a_world(api.deps), await a_world(api.deps)
        token = await a_session(api, operator, scope="user:block")
        path = f"/users/{world.user_id}/actions"

        await ask(api, "PATCH", f"{path}/block", headers=bearer(token.value))
        await ask(api, "PATCH", f"{path}/unblock")

        told = dict(await events_of(api))
        assert "actor_id" in told["mithril.user.blocked.v1"]
        assert "actor_id" not in told["mithril.user.unblocked.v1"]


class TestRotatingByAnOperator:
    async def test_no_key_of_the_consumer_is_needed(self, api: Api) -> None:
        clinic, _, connection = await pair(api)

        status, answer = await rotate(api, connection)

        assert status == 200
        secrets = [connection["secret"], answer["data"]["secret"]]
        await lengthen(api, clinic)
        assert await refreshes_with(api, clinic, secrets) == [201, 201]
        api.clock.advance(timedelta(seconds=api.deps.settings.secret_overlap))
        assert await refreshes_with(api, clinic, secrets) == [401, 201]

    async def test_a_connection_that_is_not_there_is_not_found(self, api: Api) -> None:
        world = await a_world(api.deps)
        path = f"/clients/{world.client_id}/connections/{NOBODY}/actions/rotate_secret"
        assert await refused(api, "PATCH", path) == NOT_FOUND


class TestUse:
    async def test_a_connection_tells_its_secrets_by_age_never_by_value(
        self, api: Api
    ) -> None:
        world = await a_world(api.deps)
        own = {"id": str(world.connection_id), "client_id": str(world.client_id)}
        api.clock.advance(timedelta(seconds=1))
        _, answer = await rotate(api, own)

        told = await in_use(api, world)

        present, former = told["secrets"]
        assert (present["expires_at"], present["is_live"]) == (None, True)
        assert former["is_live"]
        assert former["expires_at"] is not None
        assert answer["data"]["secret"] not in str(told)
        api.clock.advance(timedelta(seconds=api.deps.settings.secret_overlap))
        assert [s["is_live"] for s in (await in_use(api, world))["secrets"]] == [
            *(True, False)
        ]

    async def test_a_refresh_is_noted_and_written_aside(self, api: Api) -> None:
        world = await a_world(api.deps)
        assert (await in_use(api, world))["last_used_at"] is None

        assert await refreshes_with(api, world, [world.client_secret]) == [201]
        await api.deps.uses.write()

        at = api.clock.now().replace(tzinfo=None).isoformat(timespec="microseconds")
        assert (await in_use(api, world))["last_used_at"] == at

    async def test_a_wrong_secret_is_no_use(self, api: Api) -> None:
        world = await a_world(api.deps)
        assert await refreshes_with(api, world, ["wrong"]) == [401]
        await api.deps.uses.write()
        assert (await in_use(api, world))["last_used_at"] is None

    async def test_within_the_hour_nothing_more_is_written(self, api: Api) -> None:
        world, uses = await a_world(api.deps), api.deps.uses
        first = api.clock.now()
        for later in (timedelta(), COARSE / 2, COARSE - timedelta(seconds=1)):
            uses.note(world.connection_id, first + later)
            await uses.write()
        before = (await in_use(api, world))["last_used_at"]

        uses.note(world.connection_id, first + COARSE)
        await uses.write()

        after = (await in_use(api, world))["last_used_at"]
        assert before == first.replace(tzinfo=None).isoformat(timespec="microseconds")
        assert after > before

    async def test_a_connection_under_change_is_not_waited_for(self, api: Api) -> None:
        world, uses = await a_world(api.deps), api.deps.uses
        uses.note(world.connection_id, api.clock.now())
        async with api.deps.db.begin() as conn:
            c = tables.connections
            await conn.execute(
                c.update().where(c.c.id == world.connection_id).values(redirect_uri="x")
            )
            await uses.write()
        assert (await in_use(api, world))["last_used_at"] is None


async def test_an_operator_sees_what_a_user_allows(api: Api) -> None:
    world = await a_world(api.deps)
    status, answer = await ask(api, "GET", f"/users/{world.user_id}/apps")
    assert status == 200
    assert [(item["id"], item["client_name"]) for item in answer["data"]] == [
        (str(world.app_id), "Clinic")
    ]
    assert (await ask(api, "GET", f"/users/{NOBODY}/apps"))[1]["data"] == []
    assert (await ask(api, "GET", "/users/x/apps"))[0] == 400


async def test_what_waits_in_the_outbox_is_told_without_a_credential(api: Api) -> None:
    metrics = api.built.relay._metrics
    metrics.waiting.set(3)
    metrics.age.set(1.25)
    answer = await api.internal.get("/outbox", headers={"Authorization": ""})
    assert await answer.json() == {"data": {"waiting": 3, "oldest_age_seconds": 1.25}}
    assert (await api.public.get("/outbox")).status == 404


@pytest.mark.parametrize("path", ["apps", "roles"])
async def test_reading_needs_the_scope(api: Api, path: str) -> None:
    world = await a_world(api.deps)
    token = await a_session(api, world, scope="app:authorize")
    whole = f"/users/{world.user_id}/{path}"
    assert (await ask(api, "GET", whole, headers=bearer(token.value)))[0] == 403
