"""The end of a client, or of all of its tokens (spec §1.4)."""

from shared.models.schema import mithril as tables
from shared.models.tokens import TokenName
from tests.builders import a_token, a_world, store
from tests.integration.mithril_api.administering import (
    ask,
)
from tests.integration.mithril_api.asking import events_of, live_tokens, verify
from tests.integration.mithril_api.clients import body_of, count, made, revoked
from tests.integration.mithril_api.conftest import Api


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

    async def test_a_client_without_tokens_is_told_as_deleted_and_no_more(
        self, api: Api
    ) -> None:
        client = await made(api, await a_world(api.deps))

        await ask(api, "DELETE", f"/clients/{client['id']}")

        deleted = ("mithril.client.deleted.v1", {"client_id": client["id"]})
        assert (await events_of(api))[1:] == [deleted]

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

        assert (before, status, await verify(api, access.value)) == (200, 200, 404)
