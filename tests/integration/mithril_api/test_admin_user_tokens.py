"""Tokens and consents of one user, for operators (spec §1.4, §2.2)."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from services.mithril_api.store import tokens as token_store
from services.mithril_api.store import users
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
from tests.integration.mithril_api.asking import events_of, execute, live_tokens, verify
from tests.integration.mithril_api.conftest import Api
from tests.races import until_waiting

INVALID_PARAMS = (
    422,
    {
        "type": "request_malformed",
        "message": "invalid params",
        "invalid": [{"entry_type": "request", "rules": [{"rule": "json"}]}],
    },
)


async def stored(api: Api, world: World) -> list[str]:
    """The names of all of a user's tokens that have a row, live or not."""
    t = tables.tokens
    query = select(t.c.name).where(t.c.user_id == world.user_id).order_by(t.c.name)
    async with api.deps.db.read() as conn:
        return list((await conn.execute(query)).scalars())


class TestDeletingTokens:
    async def test_all_are_deleted_and_told_once(self, api: Api) -> None:
        world = await a_world(api.deps)
        spent = a_token(
            api.deps, TokenName.ACCESS, world.user_id, None, lives=timedelta(seconds=1)
        )
        await store(api.deps, spent)
        api.clock.advance(timedelta(seconds=1))

        status, _ = await ask(api, "DELETE", f"/users/{world.user_id}/tokens")

        assert (status, await stored(api, world)) == (204, [])
        assert await events_of(api) == [
            tokens_revoked("user", "deleted", user_id=world.user_id)
        ]

    @pytest.mark.parametrize(
        ("query", "left"),
        [
            pytest.param({"client_id": NOBODY}, 4, id="another client's"),
            pytest.param({"client_id": "ours"}, 1, id="one client's"),
            pytest.param({"name": "access_token"}, 2, id="one kind"),
            pytest.param({"name": "access_token", "client_id": "ours"}, 3, id="both"),
            pytest.param({"value": "ours"}, 3, id="one value"),
            pytest.param(
                {"value": "ours", "name": "access_token"}, 4, id="of another kind"
            ),
        ],
    )
    async def test_filters_choose_what_has_all_of_them(
        self, api: Api, query: dict[str, str], left: int
    ) -> None:
        world = await a_world(api.deps)
        await store(
            api.deps,
            a_token(api.deps, TokenName.ACCESS, world.user_id, world.client_id),
            a_token(api.deps, TokenName.ACCESS, world.user_id, None),
            a_token(api.deps, TokenName.CODE, world.user_id, world.client_id),
        )
        ours = {"client_id": str(world.client_id), "value": world.refresh.value}
        asked = {
            name: ours[name] if item == "ours" else item for name, item in query.items()
        }

        await ask(api, "DELETE", f"/users/{world.user_id}/tokens", query=asked)

        assert len(await stored(api, world)) == left

    async def test_a_token_chosen_by_its_value_is_named_by_its_id(self, api: Api) -> None:
        world = await a_world(api.deps)
        query = {"value": world.refresh.value}

        await ask(api, "DELETE", f"/users/{world.user_id}/tokens", query=query)

        token_id = world.refresh.token.id
        ids: dict[str, Any] = {"user_id": world.user_id, "token_id": token_id}
        assert await events_of(api) == [tokens_revoked("token", "deleted", **ids)]

    async def test_where_its_expiry_was_kept_is_forgotten_too(self, api: Api) -> None:
        world = await a_world(api.deps)
        token = world.refresh.token
        async with api.deps.db.begin() as conn:
            await token_store.remember_expiry(
                conn, digest=token.digest, name=token.name, expires_at=token.expires_at
            )

        await ask(api, "DELETE", f"/users/{world.user_id}/tokens")

        async with api.deps.db.read() as conn:
            assert (await conn.execute(tables.token_expiries.select())).all() == []

    async def test_unfit_filters_delete_nothing(self, api: Api) -> None:
        world = await a_world(api.deps)
        query = {"client_id": "1", "name": "acces_token"}
        path = f"/users/{world.user_id}/tokens"

        answer = await refused(api, "DELETE", path, query=query)

        kinds = tuple(str(name) for name in TokenName)
        assert answer == validation(
            unfit("client_id", "cast", "is invalid", ("uuid",)),
            unfit("name", "inclusion", "is invalid", kinds),
        )
        assert len(await stored(api, world)) == 1
        assert await refused(api, "DELETE", "/users/1/tokens") == MALFORMED


class TestDeletingConsents:
    async def test_the_consents_go_and_the_tokens_stop(self, api: Api) -> None:
        world = await a_world(api.deps)
        session = a_token(api.deps, TokenName.ACCESS, world.user_id, None)
        await store(api.deps, session)

        status, _ = await ask(api, "DELETE", f"/users/{world.user_id}/apps")

        assert status == 204
        assert await live_tokens(api, world.user_id) == []
        assert await stored(api, world) == ["access_token", "refresh_token"]
        user_id = str(world.user_id)
        ids = {"app_id": str(world.app_id), "client_id": str(world.client_id)}
        assert await events_of(api) == [
            ("mithril.app.revoked.v1", {"user_id": user_id, **ids}),
            tokens_revoked("user", "app_deleted", user_id=user_id, count=2),
        ]

    async def test_of_one_client_the_others_keep_theirs(self, api: Api) -> None:
        world = await a_world(api.deps)
        session = a_token(api.deps, TokenName.ACCESS, world.user_id, None)
        await store(api.deps, session)
        path = f"/users/{world.user_id}/apps"

        await ask(api, "DELETE", path, query={"client_id": NOBODY})
        assert len(await live_tokens(api, world.user_id)) == 2
        await ask(api, "DELETE", path, query={"client_id": str(world.client_id)})

        assert await live_tokens(api, world.user_id) == ["access_token"]
        ids: dict[str, Any] = {"user_id": world.user_id, "client_id": world.client_id}
        assert (await events_of(api))[-1] == tokens_revoked("user", "app_deleted", **ids)

    async def test_who_has_none_loses_none(self, api: Api) -> None:
        assert await ask(api, "DELETE", f"/users/{NOBODY}/apps") == (204, {})
        assert await events_of(api) == []

    async def test_an_unfit_filter_deletes_nothing(self, api: Api) -> None:
        world = await a_world(api.deps)
        path = f"/users/{world.user_id}/apps"

        answer = await refused(api, "DELETE", path, query={"client_id": "1"})

        assert answer == validation(unfit("client_id", "cast", "is invalid", ("uuid",)))
        assert len(await live_tokens(api, world.user_id)) == 1


class TestMakingAnAccessToken:
    async def asked(self, api: Api, world: World, **but: Any) -> tuple[int, Any]:
        token = {"client_id": str(world.client_id), "scope": "person:read", **but}
        given = {name: item for name, item in token.items() if item is not ...}
        path = f"/users/{world.user_id}/tokens/access"
        return await ask(api, "POST", path, {"token": given})

    async def refused(self, api: Api, world: World, **but: Any) -> tuple[int, Any]:
        status, body = await self.asked(api, world, **but)
        return status, body["error"]

    async def test_the_token_is_answered_whole_and_works(self, api: Api) -> None:
        world = await a_world(api.deps)

        status, body = await self.asked(api, world)

        data = body["data"]
        expires_at = api.clock.now() + timedelta(hours=1)
        assert status == 201
        assert data == {
            "id": data["id"],
            "name": "access_token",
            "value": data["value"],
            "expires_at": int(expires_at.timestamp()),
            "user_id": str(world.user_id),
            "details": {
                "client_id": str(world.client_id),
                "grant_type": "password",
                "scope": "person:read",
                "redirect_uri": world.redirect_uri,
            },
        }
        assert await verify(api, data["value"]) == 200
        assert await events_of(api) == [
            (
                "mithril.token.issued.v1",
                {
                    "token_id": data["id"],
                    "name": "access_token",
                    "user_id": str(world.user_id),
                    "client_id": str(world.client_id),
                    "app_id": None,
                    "family_id": data["id"],
                    "grant_type": "password",
                    "scope": ["person:read"],
                    "expires_at": expires_at.isoformat(),
                },
            )
        ]

    async def test_former_sign_ins_of_user_and_client_are_over(self, api: Api) -> None:
        world = await a_world(api.deps)
        user_id, client_id = world.user_id, world.client_id
        await store(
            api.deps,
            a_token(api.deps, TokenName.ACCESS, user_id, client_id),
            a_token(api.deps, TokenName.SECOND_FACTOR, user_id, client_id),
            a_token(api.deps, TokenName.ACCESS, user_id, None),
        )

        await self.asked(api, world)

        assert await live_tokens(api, user_id) == [
            "access_token",
            "access_token",
            "refresh_token",
        ]
        ids: dict[str, Any] = {"user_id": user_id, "client_id": client_id}
        assert (await events_of(api))[0] == tokens_revoked(
            "user", "superseded", count=2, **ids
        )

    @pytest.mark.parametrize(
        "but",
        [
            {"client_id": ...},
            {"scope": ...},
            {"client_id": "", "scope": None},
            {"client_id": ..., "scope": ...},
        ],
    )
    async def test_missing_parameters_are_invalid(
        self, api: Api, but: dict[str, Any]
    ) -> None:
        world = await a_world(api.deps)

        assert await self.refused(api, world, **but) == INVALID_PARAMS

    async def test_unfit_parameters_are_refused(self, api: Api) -> None:
        world = await a_world(api.deps)
        path = f"/users/{world.user_id}/tokens/access"

        assert await self.refused(api, world, client_id=1, scope=[]) == validation(
            unfit("client_id", "cast", "is invalid", ("string",)),
            unfit("scope", "cast", "is invalid", ("string",)),
        )
        assert await self.refused(api, world, client_id="1") == MALFORMED
        assert await refused(api, "POST", path, {}) == MALFORMED
        assert await refused(api, "POST", "/users/1/tokens/access", {}) == MALFORMED

    async def test_an_unknown_user_is_not_found(self, api: Api) -> None:
        token = {"client_id": NOBODY, "scope": "person:read"}
        path = f"/users/{NOBODY}/tokens/access"

        assert await refused(api, "POST", path, {"token": token}) == NOT_FOUND

    async def test_an_unknown_client_is_refused(self, api: Api) -> None:
        world = await a_world(api.deps)

        answer = await self.refused(api, world, client_id=NOBODY)

        assert answer == (401, {"type": "invalid_client", "message": "Invalid client id."})

    async def test_a_client_that_may_not_sign_users_in_is_refused(self, api: Api) -> None:
        grants = {"allowed_grant_types": ["digital_signature"]}
        world = await a_world(api.deps, client_settings=grants)

        answer = await self.refused(api, world)

        text = "Client is not allowed to issue login token."
        assert answer == (401, {"type": "access_denied", "message": text})

    async def test_a_scope_beyond_the_client_type_is_refused(self, api: Api) -> None:
        world = await a_world(api.deps)

        answer = await self.refused(api, world, scope="person:read user:write")

        text = "Scope is not allowed by client type."
        assert answer == (422, {**INVALID_PARAMS[1], "message": text})

    @pytest.mark.parametrize(
        ("table", "error"),
        [
            pytest.param(tables.users, ("user_blocked", "User blocked."), id="user"),
            pytest.param(
                tables.clients, ("access_denied", "Client is blocked."), id="client"
            ),
        ],
    )
    async def test_who_is_blocked_gets_none(
        self, api: Api, table: Any, error: tuple[str, str]
    ) -> None:
        world = await a_world(api.deps)
        await execute(api, update(table).values(is_blocked=True))

        answer = await self.refused(api, world)

        assert answer == (401, {"type": error[0], "message": error[1]})
        assert await stored(api, world) == ["refresh_token"]

    async def test_a_token_made_while_its_user_is_blocked_is_none(self, api: Api) -> None:
        world = await a_world(api.deps)
        block = f"/users/{world.user_id}/actions/block"
        async with api.deps.db.begin() as conn:
            await users.hold(conn, world.user_id)
            made = asyncio.create_task(self.asked(api, world))
            await until_waiting(api.deps, 1)
            blocked = asyncio.create_task(ask(api, "PATCH", block))
            await until_waiting(api.deps, 2)

        answers = await asyncio.gather(made, blocked)

        assert [status for status, _ in answers] == [201, 200]
        assert await live_tokens(api, world.user_id) == []

    async def test_a_client_without_connections_gives_no_redirect_uri(
        self, api: Api
    ) -> None:
        world = await a_world(api.deps)
        await execute(api, delete(tables.connections))

        _, body = await self.asked(api, world, scope=" ".join(SCOPE))

        assert body["data"]["details"] == {
            "client_id": str(world.client_id),
            "grant_type": "password",
            "scope": " ".join(SCOPE),
        }
