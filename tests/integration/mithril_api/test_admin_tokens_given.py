"""POST /admin/tokens: a value that an operator chose works like any other (spec §1.4, D4, D5)."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.mithril_api.actions.give_token import give_token
from services.mithril_api.domain import values
from services.mithril_api.domain.given_tokens import TokenGiven
from services.mithril_api.domain.refusals import Clash
from services.mithril_api.store import tokens
from shared.models.tokens import TokenName
from tests.builders import a_world
from tests.integration.mithril_api.administering import (
    NOBODY,
    refused,
    unfit,
    validation,
)
from tests.integration.mithril_api.asking import events_of, exchange, verify
from tests.integration.mithril_api.conftest import Api
from tests.integration.mithril_api.given_tokens import (
    FIELDS,
    ISSUED,
    NO_DETAILS,
    TAKEN,
    VALUE,
    body_of,
    everything_at_rest,
    given,
    in_days,
    minted,
    seconds,
)
from tests.races import until_waiting


class TestGiving:
    async def test_a_given_token_is_answered_whole_and_works_like_any_other(
        self, api: Api
    ) -> None:
        world = await a_world(api.deps)
        details = {
            "client_id": str(world.client_id),
            "grant_type": "password",
            "scope": "person:read episode:read",
            "app_id": str(world.app_id),
            "redirect_uri": "https://clinic.test/callback",
            "note": {"of": ["ours", 1]},
        }
        body = body_of(api, world, details=details)

        response = await api.internal.post("/admin/tokens", json=body)

        data = (await response.json())["data"]
        assert response.status == 201
        assert response.headers["Location"] == f"/admin/tokens/{data['id']}"
        assert response.headers["Cache-Control"] == "no-store"
        assert data == {"id": data["id"], **body["token"]}
        verified = await api.internal.get(f"/admin/tokens/{VALUE}/verify")
        answer = (await verified.json())["data"]
        assert verified.status == 200
        assert answer["details"] == {**details, "client_type": world.client_type}

    async def test_the_event_tells_of_it_without_its_value(self, api: Api) -> None:
        world = await a_world(api.deps)

        data = await given(api, world)

        expires_at = datetime.fromtimestamp(data["expires_at"], UTC).isoformat()
        event = {
            "token_id": data["id"],
            "name": "access_token",
            "user_id": str(world.user_id),
            "client_id": str(world.client_id),
            "app_id": None,
            "family_id": data["id"],
            "grant_type": None,
            "scope": ["person:read"],
            "expires_at": expires_at,
        }
        assert await events_of(api) == [(ISSUED, event)]

    async def test_neither_its_value_nor_a_refresh_token_in_its_details_is_at_rest(
        self, api: Api
    ) -> None:
        world = await a_world(api.deps)
        other = "UmVmcmVzaC10b2tlbi1vZi1vbGQtdGltZXM9"
        details = {"client_id": str(world.client_id), "refresh_token": other}

        data = await given(api, world, details=details)

        at_rest = await everything_at_rest(api)
        assert data["details"] == {"client_id": str(world.client_id), "scope": ""}
        assert VALUE not in at_rest
        assert other not in at_rest

    async def test_a_given_refresh_token_buys_access_tokens(self, api: Api) -> None:
        world = await a_world(api.deps)
        details = {"client_id": str(world.client_id), "scope": ""}
        await given(api, world, name="refresh_token", details=details)

        body = world.refresh_body(refresh_token=VALUE)
        response = await api.public.post("/oauth/tokens", json=body)

        assert response.status == 201

    async def test_a_given_code_buys_the_scope_that_it_was_asked_for(
        self, api: Api
    ) -> None:
        world = await a_world(api.deps)
        details = {
            "client_id": str(world.client_id),
            "grant_type": "password",
            "redirect_uri": world.redirect_uri,
            "scope_request": "episode:read person:read",
        }
        data = await given(api, world, name="authorization_code", details=details)

        status, answer = await exchange(api, world, VALUE)

        assert data["details"] == details
        assert status == 201
        assert answer["data"]["details"]["scope"] == "episode:read person:read"

    async def test_a_code_that_was_used_before_it_came_here_buys_nothing(
        self, api: Api
    ) -> None:
        world = await a_world(api.deps)
        details = {
            "client_id": str(world.client_id),
            "redirect_uri": world.redirect_uri,
            "scope_request": "person:read",
            "used": True,
        }
        await given(api, world, name="authorization_code", details=details)

        status, answer = await exchange(api, world, VALUE)

        error = {"type": "access_denied", "message": "Token has already been used."}
        assert (status, answer["error"]) == (401, error)

    async def test_a_value_of_our_own_format_is_found_whatever_day_it_names(
        self, api: Api
    ) -> None:
        world = await a_world(api.deps)
        now = api.clock.now()
        for days_of_value, random in ((1, 1), (9, 2)):
            expires_at = now + timedelta(days=days_of_value)
            value = values.compose(expires_at=expires_at, random=random)
            await given(api, world, value=value, expires_at=in_days(api, 1))

            assert await verify(api, value) == 200

    @pytest.mark.parametrize("expires_at", [0, 4_102_444_800, 253_402_300_799])
    async def test_any_second_of_the_calendar_may_be_its_end(
        self, api: Api, expires_at: int
    ) -> None:
        world = await a_world(api.deps)

        data = await given(api, world, expires_at=expires_at)

        assert data["expires_at"] == expires_at
        now = seconds(api.clock.now())
        assert await verify(api, VALUE) == (200 if expires_at > now else 401)

    async def test_a_value_is_given_once_for_each_kind(self, api: Api) -> None:
        world = await a_world(api.deps)
        await given(api, world)
        later = body_of(api, world, expires_at=in_days(api, 40))

        assert await refused(api, "POST", "/tokens", later) == TAKEN
        assert (await given(api, world, name="refresh_token"))["value"] == VALUE

    async def test_the_value_of_a_token_issued_here_is_taken(self, api: Api) -> None:
        world = await a_world(api.deps)
        access = await minted(api, world)
        body = body_of(api, world, value=access.value)

        assert await refused(api, "POST", "/tokens", body) == TAKEN

    @pytest.mark.parametrize("days_of_value", [None, 1], ids=["foreign", "of our format"])
    async def test_of_two_given_at_once_the_database_lets_one_in(
        self, api: Api, days_of_value: int | None
    ) -> None:
        world = await a_world(api.deps)
        expires_at = api.clock.now() + timedelta(days=1)
        value = VALUE
        if days_of_value is not None:
            value = values.compose(expires_at=expires_at, random=7)
        asked = TokenGiven(
            name=TokenName.ACCESS,
            value=value,
            user_id=world.user_id,
            expires_at=expires_at,
            details=NO_DETAILS,
        )
        async with api.deps.db.begin() as conn:
            first = expires_at + timedelta(seconds=1)
            assert await tokens.remember_expiry(
                conn,
                digest=values.digest_of(value),
                name=TokenName.ACCESS,
                expires_at=first,
            )
            second = asyncio.create_task(give_token(api.deps, asked))
            await until_waiting(api.deps)

        assert await second == Clash("value", taken=True)

    @pytest.mark.parametrize(
        ("but", "invalid"),
        [
            pytest.param(
                dict.fromkeys(FIELDS, ...),
                [unfit(field, "required", "can't be blank") for field in FIELDS],
                id="nothing",
            ),
            pytest.param(
                {
                    "name": 1,
                    "value": [],
                    "user_id": 7,
                    "expires_at": "tomorrow",
                    "details": "none",
                },
                [
                    unfit(
                        "name",
                        "inclusion",
                        "is invalid",
                        tuple(item.value for item in TokenName),
                    ),
                    unfit("value", "cast", "is invalid", ("string",)),
                    unfit("user_id", "cast", "is invalid", ("uuid",)),
                    unfit("expires_at", "cast", "is invalid", ("integer",)),
                    unfit("details", "cast", "is invalid", ("map",)),
                ],
                id="wrong types",
            ),
            pytest.param(
                {
                    "name": "session",
                    "value": "v" * 256,
                    "expires_at": -1,
                    "details": {
                        "client_id": "42",
                        "app_id": 1,
                        "grant_type": {},
                        "scope": ["a:b"],
                        "scope_request": 1,
                        "redirect_uri": "https://" + "x" * 2048,
                        "code_challenge": 5,
                        "used": "yes",
                    },
                },
                [
                    unfit(
                        "name",
                        "inclusion",
                        "is invalid",
                        tuple(item.value for item in TokenName),
                    ),
                    unfit(
                        "value",
                        "length",
                        "should be at most 255 character(s)",
                        {"max": 255},
                    ),
                    unfit("expires_at", "cast", "is invalid", ("integer",)),
                    unfit("details.client_id", "cast", "is invalid", ("uuid",)),
                    unfit("details.app_id", "cast", "is invalid", ("uuid",)),
                    unfit("details.grant_type", "cast", "is invalid", ("string",)),
                    unfit("details.scope", "cast", "is invalid", ("string",)),
                    unfit("details.scope_request", "cast", "is invalid", ("string",)),
                    unfit(
                        "details.redirect_uri",
                        "length",
                        "should be at most 2048 character(s)",
                        {"max": 2048},
                    ),
                    unfit("details.code_challenge", "cast", "is invalid", ("string",)),
                    unfit("details.used", "cast", "is invalid", ("boolean",)),
                ],
                id="wrong within",
            ),
            *(
                pytest.param(
                    {"expires_at": expires_at},
                    [unfit("expires_at", "cast", "is invalid", ("integer",))],
                    id=f"expires at {expires_at!r}",
                )
                for expires_at in (253_402_300_800, 10**30, 1.5, True)
            ),
            pytest.param(
                {"value": "mth0000000000000000000000000000x"},
                [unfit("value", "format", "has invalid format")],
                id="our format with a wrong checksum",
            ),
            pytest.param(
                {"user_id": NOBODY},
                [unfit("user_id", None, "does not exist")],
                id="an unknown user",
            ),
        ],
    )
    async def test_an_unfit_body_is_refused_with_every_field_named(
        self, api: Api, but: dict[str, Any], invalid: list[dict[str, Any]]
    ) -> None:
        world = await a_world(api.deps)

        answered = await refused(api, "POST", "/tokens", body_of(api, world, **but))

        assert answered == validation(*invalid)
        assert await events_of(api) == []
