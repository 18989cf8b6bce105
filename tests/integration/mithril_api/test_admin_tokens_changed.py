"""PUT and PATCH /admin/tokens/{id}: partitions, values, races (spec §1.4, D6)."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from services.mithril_api.domain import values
from services.mithril_api.store import tokens
from shared.models.schema import mithril as tables
from shared.models.tokens import TokenName
from tests.builders import a_world
from tests.integration.mithril_api.administering import (
    MALFORMED,
    NOBODY,
    ask,
    refused,
    unfit,
    validation,
)
from tests.integration.mithril_api.asking import events_of, verify
from tests.integration.mithril_api.conftest import Api
from tests.integration.mithril_api.given_tokens import (
    CHANGED,
    FIELDS,
    ISSUED,
    TAKEN,
    VALUE,
    body_of,
    count,
    everything_at_rest,
    given,
    in_days,
    minted,
    revoked,
    seconds,
)
from tests.races import until_waiting


class TestChanging:
    @pytest.mark.parametrize("is_given", [True, False], ids=["given", "issued here"])
    @pytest.mark.parametrize("days", [3, 60])
    async def test_a_token_whose_end_moves_is_found_in_its_new_partition(
        self, api: Api, *, is_given: bool, days: int
    ) -> None:
        world = await a_world(api.deps)
        if is_given:
            token_id, value = (await given(api, world))["id"], VALUE
        else:
            access = await minted(api, world)
            token_id, value = str(access.token.id), access.value
        until = in_days(api, days)

        status, answer = await ask(
            api, "PATCH", f"/tokens/{token_id}", {"token": {"expires_at": until}}
        )

        assert (status, answer["data"]["expires_at"]) == (200, until)
        assert await verify(api, value) == 200
        api.clock.advance(timedelta(days=days))
        assert await verify(api, value) == 401

    async def test_it_may_move_again_and_again(self, api: Api) -> None:
        world = await a_world(api.deps)
        access = await minted(api, world)
        path = f"/tokens/{access.token.id}"

        for days in (60, 2, 30):
            until = in_days(api, days)
            await ask(api, "PUT", path, {"token": {"expires_at": until}})
            assert await verify(api, access.value) == 200

        assert await count(api, tables.token_expiries) == 1

    async def test_a_token_that_ends_by_a_change_is_told_as_revoked(self, api: Api) -> None:
        world = await a_world(api.deps)
        access = await minted(api, world)
        ended = {"token": {"expires_at": seconds(api.clock.now())}}

        await ask(api, "PATCH", f"/tokens/{access.token.id}", ended)

        ids = {"user_id": str(world.user_id), "client_id": str(world.client_id)}
        token_id = str(access.token.id)
        assert await verify(api, access.value) == 401
        assert await events_of(api) == [
            (
                CHANGED,
                {
                    "token_id": token_id,
                    "name": "access_token",
                    **ids,
                    "fields": ["expires_at"],
                    "scope": ["episode:read", "episode:write", "person:read"],
                    "expires_at": api.clock.now().isoformat(),
                },
            ),
            revoked(token_id=token_id, reason="expiry_changed", **ids),
        ]

    async def test_a_revoked_token_does_not_come_back(self, api: Api) -> None:
        world = await a_world(api.deps)
        access = await minted(api, world)
        await ask(api, "PATCH", f"/clients/{world.client_id}/actions/deactivate_tokens")
        until = in_days(api, 60)

        await ask(
            api, "PATCH", f"/tokens/{access.token.id}", {"token": {"expires_at": until}}
        )

        assert await verify(api, access.value) == 401

    async def test_a_new_value_replaces_the_former_and_is_told_once(self, api: Api) -> None:
        world = await a_world(api.deps)
        data = await given(api, world)
        path, second = f"/tokens/{data['id']}", "another-value"

        status, answer = await ask(api, "PUT", path, {"token": {"value": second}})

        assert (status, answer["data"]) == (200, {**data, "value": second})
        assert "value" not in (await ask(api, "GET", path))[1]["data"]
        assert [await verify(api, value) for value in (VALUE, second)] == [404, 200]
        assert (await given(api, world))["value"] == VALUE  # it is free again

    async def test_a_value_that_another_token_has_is_refused_and_nothing_changes(
        self, api: Api
    ) -> None:
        world = await a_world(api.deps)
        access = await minted(api, world)
        data = await given(api, world)
        path = f"/tokens/{data['id']}"

        answered = await refused(api, "PUT", path, {"token": {"value": access.value}})

        assert answered == TAKEN
        assert await verify(api, VALUE) == 200

    async def test_of_two_that_take_one_value_at_once_the_database_lets_one_have_it(
        self, api: Api
    ) -> None:
        world = await a_world(api.deps)
        path = f"/tokens/{world.refresh.token.id}"
        async with api.deps.db.begin() as conn:
            assert await tokens.remember_expiry(
                conn,
                digest=values.digest_of(VALUE),
                name=TokenName.REFRESH,
                expires_at=api.clock.now() + timedelta(days=1),
            )
            second = asyncio.create_task(
                refused(api, "PATCH", path, {"token": {"value": VALUE}})
            )
            await until_waiting(api.deps)

        assert await second == TAKEN
        body = world.refresh_body()
        assert (await api.public.post("/oauth/tokens", json=body)).status == 201

    async def test_changed_details_replace_the_former_whole(self, api: Api) -> None:
        world = await a_world(api.deps)
        data = await given(
            api, world, details={"client_id": str(world.client_id), "note": "old"}
        )
        details = {
            "client_id": str(world.client_id),
            "scope": "person:read",
            "refresh_token": "never-keep-me",
        }

        status, answer = await ask(
            api, "PUT", f"/tokens/{data['id']}", {"token": {"details": details}}
        )

        del details["refresh_token"]
        assert (status, answer["data"]["details"]) == (200, details)
        assert "never-keep-me" not in await everything_at_rest(api)
        fields = [
            event["fields"] for kind, event in await events_of(api) if kind == CHANGED
        ]
        assert fields == [["details"]]

    async def test_a_change_that_changes_nothing_is_not_told(self, api: Api) -> None:
        world = await a_world(api.deps)
        data = await given(api, world)
        path = f"/tokens/{data['id']}"
        bodies: list[Any] = [{"token": {}}, body_of(api, world)]

        answers = [await ask(api, "PATCH", path, body) for body in bodies]

        assert [status for status, _ in answers] == [200, 200]
        assert [kind for kind, _ in await events_of(api)] == [ISSUED]

    @pytest.mark.parametrize(
        ("but", "invalid"),
        [
            pytest.param(
                dict.fromkeys(FIELDS),
                [unfit(field, "required", "can't be blank") for field in FIELDS],
                id="nothing left",
            ),
            pytest.param(
                {"user_id": NOBODY},
                [unfit("user_id", None, "does not exist")],
                id="an unknown user",
            ),
            pytest.param(
                {"value": "mth0000000000000000000000000000x", "details": {"scope": 1}},
                [
                    unfit("details.scope", "cast", "is invalid", ("string",)),
                    unfit("value", "format", "has invalid format"),
                ],
                id="wrong within",
            ),
        ],
    )
    async def test_an_unfit_change_is_refused_with_every_field_named(
        self, api: Api, but: dict[str, Any], invalid: list[dict[str, Any]]
    ) -> None:
        world = await a_world(api.deps)
        path = f"/tokens/{world.refresh.token.id}"

        assert await refused(api, "PATCH", path, {"token": but}) == validation(*invalid)

    async def test_a_body_without_its_wrapper_is_malformed(self, api: Api) -> None:
        world = await a_world(api.deps)
        path = f"/tokens/{world.refresh.token.id}"

        assert await refused(api, "PUT", path, {"name": "access_token"}) == MALFORMED
        assert await refused(api, "POST", "/tokens", {"name": "x"}) == MALFORMED

    async def test_a_change_waits_for_what_holds_the_token(self, api: Api) -> None:
        world = await a_world(api.deps)
        access = await minted(api, world)
        path = f"/tokens/{access.token.id}"
        async with api.deps.db.begin() as conn:
            held = await tokens.lock(conn, access.value, TokenName.ACCESS)
            assert held is not None
            until = in_days(api, 60)
            change = asyncio.create_task(
                ask(api, "PATCH", path, {"token": {"expires_at": until}})
            )
            await until_waiting(api.deps)
            await tokens.mark_revoked(conn, held, at=api.clock.now())

        status, _ = await change

        assert status == 200
        assert await verify(api, access.value) == 401

    async def test_what_waits_for_a_token_that_moves_away_finds_it_there(
        self, api: Api
    ) -> None:
        world = await a_world(api.deps)
        until = api.clock.now() + timedelta(days=60)
        t, e = tables.tokens, tables.token_expiries
        refresh = world.refresh.token
        async with api.deps.db.begin() as conn:
            await conn.execute(
                t.update().where(t.c.id == refresh.id).values(expires_at=until)
            )
            await conn.execute(
                e.insert().values(
                    digest=refresh.digest, name=refresh.name, expires_at=until
                )
            )
            waiting = asyncio.create_task(
                api.public.post("/oauth/tokens", json=world.refresh_body())
            )
            await until_waiting(api.deps)

        assert (await waiting).status == 201
