"""/admin/tokens: found without their values, and deleted (spec §1.4, D4)."""

import asyncio
from typing import Any

import pytest

from services.mithril_api.actions.delete_tokens_of_users import delete_tokens_of_users
from services.mithril_api.store import tokens
from shared.models.schema import mithril as tables
from shared.models.tokens import TokenName
from tests.builders import a_token, a_world
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
from tests.integration.mithril_api.asking import events_of, verify
from tests.integration.mithril_api.conftest import Api
from tests.integration.mithril_api.given_tokens import (
    ISSUED,
    VALUE,
    count,
    given,
    in_days,
    minted,
    revoked,
    seconds,
)
from tests.races import until_waiting


class TestFinding:
    async def test_no_list_and_no_look_up_tells_a_value(self, api: Api) -> None:
        world = await a_world(api.deps)
        access = await minted(api, world)

        listed = await ask(api, "GET", "/tokens", query={"value": access.value})
        shown = await ask(api, "GET", f"/tokens/{access.token.id}")

        expected = {
            "id": str(access.token.id),
            "name": "access_token",
            "expires_at": seconds(access.token.expires_at),
            "user_id": str(world.user_id),
            "details": {
                "client_id": str(world.client_id),
                "grant_type": "authorization_code",
                "scope": "episode:read episode:write person:read",
            },
        }
        assert (listed[0], listed[1]["data"]) == (200, [expected])
        assert (shown[0], shown[1]["data"]) == (200, expected)

    async def test_a_list_is_filtered(self, api: Api) -> None:
        world, other = await a_world(api.deps), await a_world(api.deps)
        own = str(world.refresh.token.id)
        others = str(other.refresh.token.id)
        access = str((await minted(api, world)).token.id)
        second = str((await minted(api, world, TokenName.SECOND_FACTOR)).token.id)

        user, client = str(world.user_id), str(world.client_id)
        assert await ids_of(api, "/tokens") == [own, others, access, second]
        assert await ids_of(api, "/tokens", user_id=user) == [own, access, second]
        assert await ids_of(api, "/tokens", client_id=client) == [own, access, second]
        assert await ids_of(api, "/tokens", name="refresh_token") == [own, others]
        assert await ids_of(api, "/tokens", name="access") == [access, second]
        assert await ids_of(api, "/tokens", name="nothing") == []
        value = world.refresh.value
        assert await ids_of(api, "/tokens", value=value) == [own]
        assert await ids_of(api, "/tokens", value=value[:-1]) == []
        assert await ids_of(api, "/tokens", value=value, client_id=client) == [own]
        assert await ids_of(api, "/tokens", client_id=client, name="2fa") == [second]
        assert await refused(
            api, "GET", "/tokens", query={"user_id": "42", "client_id": "x"}
        ) == validation(
            unfit("user_id", "cast", "is invalid", ("uuid",)),
            unfit("client_id", "cast", "is invalid", ("uuid",)),
        )

    async def test_pages_hold_everything_once_in_a_stable_order(self, api: Api) -> None:
        world = await a_world(api.deps)
        made = [str(world.refresh.token.id)]
        for days in (30, 1, 14, 7):  # in partitions of their own, not in this order
            data = await given(api, world, value=f"v{days}", expires_at=in_days(api, days))
            made.append(data["id"])

        pages = [await ids_of(api, "/tokens", page=page, page_size="2") for page in "1234"]

        assert pages == [made[:2], made[2:4], made[4:], []]

    async def test_a_revoked_token_is_shown_as_ended(self, api: Api) -> None:
        world = await a_world(api.deps)
        path = f"/tokens/{world.refresh.token.id}"
        client = f"/clients/{world.client_id}/actions/deactivate_tokens"
        await ask(api, "PATCH", client)

        _, answer = await ask(api, "GET", path)

        assert answer["data"]["expires_at"] == seconds(api.clock.now())

    @pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
    async def test_an_id_that_is_unknown_or_no_uuid(self, api: Api, method: str) -> None:
        body: Any = {"token": {}} if method in ("PUT", "PATCH") else None

        assert await refused(api, method, f"/tokens/{NOBODY}", body) == NOT_FOUND
        assert await refused(api, method, "/tokens/42", body) == MALFORMED


class TestDeleting:
    async def test_a_deleted_token_is_gone_with_the_note_of_where_it_was(
        self, api: Api
    ) -> None:
        world = await a_world(api.deps)
        data = await given(api, world)
        path = f"/tokens/{data['id']}"

        status, _ = await ask(api, "DELETE", path)

        assert status == 204
        assert await refused(api, "GET", path) == NOT_FOUND
        assert await verify(api, VALUE) == 404
        assert await count(api, tables.token_expiries) == 0
        assert (await events_of(api))[1:] == [
            revoked(
                token_id=data["id"],
                user_id=str(world.user_id),
                client_id=str(world.client_id),
            )
        ]

    async def test_a_token_that_had_ended_goes_without_a_word(self, api: Api) -> None:
        world = await a_world(api.deps)
        data = await given(api, world, expires_at=0)

        status, _ = await ask(api, "DELETE", f"/tokens/{data['id']}")

        assert status == 204
        assert [kind for kind, _ in await events_of(api)] == [ISSUED]

    async def test_users_without_tokens_are_no_obstacle(self, api: Api) -> None:
        query = {"user_ids": f"{NOBODY},{api.deps.entropy.uuid()}"}

        assert (await ask(api, "DELETE", "/tokens", query=query))[0] == 204
        assert await events_of(api) == []

    async def test_tokens_of_listed_users_are_deleted_and_nobody_elses(
        self, api: Api
    ) -> None:
        first, second, other = [await a_world(api.deps) for _ in range(3)]
        await given(api, first)
        users = f"{first.user_id},{second.user_id},{first.user_id}"

        status, _ = await ask(api, "DELETE", "/tokens", query={"user_ids": users})

        assert status == 204
        assert await ids_of(api, "/tokens") == [str(other.refresh.token.id)]
        assert await count(api, tables.token_expiries) == 0
        assert (await events_of(api))[1:] == [
            revoked(selector="user", user_id=str(first.user_id), count=2),
            revoked(selector="user", user_id=str(second.user_id), count=1),
        ]

    @pytest.mark.parametrize(
        "query", [{}, {"user_ids": ""}, {"user_ids": "42"}, {"user_ids": f"{NOBODY},"}]
    )
    async def test_a_list_that_names_no_users_deletes_nothing(
        self, api: Api, query: dict[str, str]
    ) -> None:
        world = await a_world(api.deps)

        answered = await refused(api, "DELETE", "/tokens", query=query)

        assert answered == MALFORMED
        assert await ids_of(api, "/tokens") == [str(world.refresh.token.id)]

    async def test_a_refresh_under_way_leaves_nothing_behind(self, api: Api) -> None:
        world = await a_world(api.deps)
        async with api.deps.db.begin() as conn:
            held = await tokens.lock(conn, world.refresh.value, TokenName.REFRESH)
            assert held is not None
            deletion = asyncio.create_task(
                delete_tokens_of_users(api.deps, [world.user_id])
            )
            await until_waiting(api.deps)
            made = a_token(api.deps, TokenName.ACCESS, world.user_id, world.client_id)
            await tokens.add(conn, [made.token], [])

        await deletion

        assert await count(api, tables.tokens) == 0
