"""/admin/tokens: given, found, changed and deleted by operators (spec §1.4, D4, D5, D6)."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text

from services.mithril_api.actions.delete_tokens_of_users import delete_tokens_of_users
from services.mithril_api.actions.give_token import give_token
from services.mithril_api.domain import values
from services.mithril_api.domain.given_tokens import Details, TokenGiven
from services.mithril_api.domain.minting import Minted
from services.mithril_api.domain.refusals import Clash
from services.mithril_api.store import tokens
from shared.models.schema import mithril as tables
from shared.models.tokens import TokenName
from tests.builders import World, a_token, a_world, store
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
from tests.integration.mithril_api.asking import events_of, exchange, verify
from tests.integration.mithril_api.conftest import Api
from tests.races import until_waiting

VALUE = "TmljZS10b2tlbi1mcm9tLWVsc2V3aGVyZQ09"
FIELDS = ("name", "value", "user_id", "expires_at", "details")
ISSUED = "mithril.token.issued.v1"
CHANGED = "mithril.token.changed.v1"
REVOKED = "mithril.token.revoked.v1"
TAKEN = validation(unfit("value", None, "has already been taken"))


def seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def in_days(api: Api, days: float) -> int:
    return seconds(api.clock.now() + timedelta(days=days))


def body_of(api: Api, world: World, **but: Any) -> dict[str, Any]:
    """An access token of the world's user for its client; `...` leaves a field out."""
    token = {
        "name": "access_token",
        "value": VALUE,
        "user_id": str(world.user_id),
        "expires_at": in_days(api, 1),
        "details": {"client_id": str(world.client_id), "scope": "person:read"},
        **but,
    }
    return {"token": {name: item for name, item in token.items() if item is not ...}}


async def given(api: Api, world: World, **but: Any) -> dict[str, Any]:
    status, answer = await ask(api, "POST", "/tokens", body_of(api, world, **but))
    assert status == 201, answer
    data: dict[str, Any] = answer["data"]
    return data


async def minted(api: Api, world: World, name: TokenName = TokenName.ACCESS) -> Minted:
    """A token as this service issues one, stored."""
    made = a_token(api.deps, name, world.user_id, world.client_id)
    await store(api.deps, made)
    return made


async def everything_at_rest(api: Api) -> str:
    """All rows of tokens, where they are found, and all events, as text."""
    found = []
    async with api.deps.db.read() as conn:
        for table in (tables.tokens, tables.token_expiries, tables.outbox):
            rows = select(text("t::text")).select_from(table.alias("t"))
            found += (await conn.execute(rows)).scalars()
    return "\n".join(found)


async def count(api: Api, table: Any, *where: Any) -> int:
    query = select(func.count()).select_from(table).where(*where)
    async with api.deps.db.read() as conn:
        return int((await conn.execute(query)).scalar_one())


def revoked(**but: Any) -> tuple[str, dict[str, Any]]:
    event = {
        "selector": "token",
        "reason": "deleted",
        "user_id": None,
        "client_id": None,
        "app_id": None,
        "family_id": None,
        "token_id": None,
        "count": 1,
    }
    return REVOKED, {**event, **but}


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


NO_DETAILS = Details(
    client_id=None,
    app_id=None,
    grant_type=None,
    scope=(),
    scope_request=(),
    is_used=False,
    written={},
)


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
