"""Signing in with a password over HTTP: contract, order of checks, limit, races (spec §3.2)."""

import asyncio
from datetime import timedelta
from typing import Any

import bcrypt
import pytest
from sqlalchemy import func, select, update

from services.mithril_api.domain.minting import Minted
from shared.models.schema import mithril as tables
from shared.models.tokens import TokenName
from tests.builders import World, a_token, a_world, store
from tests.integration.mithril_api.asking import (
    Answered,
    a_clinic,
    a_session,
    events_of,
    execute,
    live_tokens,
    log_in,
    required,
    verify,
)
from tests.integration.mithril_api.conftest import Api
from tests.races import until_waiting

WRONG = (
    401,
    {"type": "access_denied", "message": "Identity, password combination is wrong."},
)
LIMIT = (
    401,
    {
        "type": "access_denied",
        "message": "You reached login attempts limit. Try again later",
    },
)
BLOCKED = (401, {"type": "user_blocked", "message": "User blocked."})
CHANGE = {"grant_type": "change_password", "scope": "user:change_password"}


def refused(answered: Answered) -> tuple[int, Any]:
    status, body = answered
    return status, body.get("error")


async def failures(api: Api) -> int:
    async with api.deps.db.begin() as conn:
        query = select(func.count()).select_from(tables.login_failures)
        return (await conn.execute(query)).scalar_one()


async def password_hash_of(api: Api, world: World) -> str:
    query = select(tables.users.c.password_hash).where(tables.users.c.id == world.user_id)
    async with api.deps.db.begin() as conn:
        return str((await conn.execute(query)).scalar_one())


async def a_factor(api: Api, world: World, number: str | None, **but: Any) -> None:
    row = {"id": api.deps.entropy.uuid(), "type": "SMS", "user_id": world.user_id}
    factor = {**row, "factor": number, "is_active": True, **but}
    await execute(api, tables.authentication_factors.insert().values(factor))


def change_user(world: World, **values: Any) -> Any:
    return update(tables.users).where(tables.users.c.id == world.user_id).values(values)


async def test_a_sign_in_answers_the_documented_token_and_the_next_step(api: Api) -> None:
    world = await a_clinic(api.deps)
    token = {
        "grant_type": "password",
        "email": world.email.upper(),
        "password": world.password,
        "client_id": str(world.client_id),
        "scope": "app:authorize user:read",
        "token": "the answer to a captcha that nobody asked for",
    }

    response = await api.public.post("/auth/login", json={"token": token})
    body = await response.json()

    assert response.status == 201
    assert response.headers["Cache-Control"] == "no-store"
    expires = api.clock.now() + timedelta(seconds=3600)
    assert body == {
        "meta": {
            "code": 201,
            "type": "object",
            "url": str(response.url),
            "request_id": response.headers["X-Request-ID"],
        },
        "data": {
            "id": body["data"]["id"],
            "name": "access_token",
            "value": body["data"]["value"],
            "expires_at": int(expires.timestamp()),
            "user_id": str(world.user_id),
            "details": {
                "client_id": str(world.client_id),
                "grant_type": "password",
                "scope": "app:authorize user:read",
                "amr": ["pwd"],
                "auth_time": int(api.clock.now().timestamp()),
            },
        },
        "urgent": {"next_step": "REQUEST_APPS"},
    }
    assert await verify(api, body["data"]["value"]) == 200


async def test_a_change_of_password_gets_a_token_for_that_alone(api: Api) -> None:
    world = await a_clinic(api.deps)

    status, body = await log_in(api, world, **CHANGE)

    assert (status, body["urgent"]) == (201, {"next_step": "REQUEST_APPS"})
    assert (body["data"]["name"], body["data"]["details"]) == (
        "change_password_token",
        {
            "client_id": str(world.client_id),
            "grant_type": "change_password",
            "scope": "user:change_password",
            "amr": ["pwd"],
            "auth_time": int(api.clock.now().timestamp()),
        },
    )
    assert await verify(api, body["data"]["value"]) == 404


async def test_a_factor_that_is_switched_off_asks_for_nothing(api: Api) -> None:
    world = await a_clinic(api.deps)
    await a_factor(api, world, "+380670000000", is_active=False)

    _, body = await log_in(api, world)

    assert body["data"]["name"] == "access_token"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        pytest.param(
            {"grant_type": "digital_signature"},
            (401, "invalid_grant", "Grant type not allowed."),
            id="a grant that is not offered",
        ),
        pytest.param(
            {"grant_type": ["password"]},
            (401, "invalid_grant", "Grant type not allowed."),
            id="a grant that is no text",
        ),
        pytest.param(
            {"grant_type": ...},
            (422, "request_malformed", "Request must include grant_type."),
            id="no grant",
        ),
        pytest.param(
            {"client_id": "nonsense"},
            (
                400,
                "request_malformed",
                "Malformed request. Probably, you have sent corrupted JSON.",
            ),
            id="a client id that is no UUID",
        ),
        pytest.param(
            {"client_id": "6498d88e-97fb-47e2-85a5-99e884f888aa", "email": "nobody@x.ua"},
            (401, "invalid_client", "Invalid client id."),
            id="no such client, asked before the user",
        ),
        pytest.param(
            {"email": "nobody@clinic.test"},
            (401, "access_denied", "User not found."),
            id="no such user",
        ),
        pytest.param(
            {"password": "wrong"},
            (401, "access_denied", "Identity, password combination is wrong."),
            id="a wrong password",
        ),
        pytest.param(
            {"password": "wrong", "scope": "never:heard-of"},
            (401, "access_denied", "Identity, password combination is wrong."),
            id="the password is asked before the scope",
        ),
        pytest.param(
            {"scope": "app:authorize never:heard-of"},
            (422, "request_malformed", "Scope is not allowed by client type."),
            id="a scope the client type has not",
        ),
        pytest.param(
            {"grant_type": "change_password"},
            (
                401,
                "access_denied",
                "Allowed scopes for the token are user:change_password.",
            ),
            id="a change of password with another scope",
        ),
    ],
)
async def test_a_refusal_has_its_documented_answer(
    api: Api, asked: dict[str, Any], expected: tuple[int, str, str]
) -> None:
    world = await a_clinic(api.deps)

    status, body = await log_in(api, world, **asked)

    assert (status, body["error"]["type"], body["error"]["message"]) == expected


async def test_all_missing_fields_are_named_at_once(api: Api) -> None:
    world = await a_clinic(api.deps)

    status, body = await log_in(
        api, world, email=..., password="", client_id=None, scope="  "
    )

    assert (status, body["error"]["type"]) == (422, "validation_failed")
    assert body["error"]["invalid"] == required("email", "password", "client_id", "scope")


async def test_a_client_that_may_not_sign_users_in_is_told_so(api: Api) -> None:
    world = await a_world(api.deps, client_settings={"allowed_grant_types": ["other"]})

    assert refused(await log_in(api, world, email="nobody@clinic.test")) == (
        401,
        {
            "type": "access_denied",
            "message": "Client is not allowed to issue login token.",
        },
    )


async def test_the_cabinet_takes_only_patients_with_a_tax_id(api: Api) -> None:
    world = await a_clinic(api.deps)
    types = tables.client_types
    seeded = update(types).where(types.c.name == "CABINET")
    await execute(api, seeded.values(name="the seeded one"))
    mine = update(types).where(types.c.id == world.client_type_id)
    await execute(api, mine.values(name="CABINET"))

    without = await log_in(api, world, password="wrong")
    await execute(api, change_user(world, tax_id="3126509816"))
    with_one, _ = await log_in(api, world)

    expected = (403, {"type": "forbidden", "message": "User is not registered"})
    assert (refused(without), with_one) == (expected, 201)


async def test_a_blocked_user_is_told_so_whatever_the_password(api: Api) -> None:
    world = await a_clinic(api.deps)
    await execute(api, change_user(world, is_blocked=True))

    answers = [await log_in(api, world), await log_in(api, world, password="wrong")]

    assert [refused(answer) for answer in answers] == [BLOCKED, BLOCKED]


async def test_a_password_expires_on_the_dot_and_can_still_be_changed(api: Api) -> None:
    world = await a_clinic(api.deps)

    api.clock.advance(timedelta(days=90, seconds=-1))
    before, _ = await log_in(api, world)
    api.clock.advance(timedelta(seconds=1))
    after = await log_in(api, world)
    change, _ = await log_in(api, world, **CHANGE)

    assert (before, refused(after), change) == (
        201,
        (
            401,
            {
                "type": "password_expired",
                "message": f"The password expired for user: {world.user_id}",
            },
        ),
        201,
    )


async def test_an_unknown_user_costs_as_much_work_as_a_wrong_password(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await a_clinic(api.deps)
    compared: list[str | None] = []
    matches = api.deps.passwords.matches

    async def counted(stored: str | None, password: str) -> bool:
        compared.append(stored)
        return await matches(stored, password)

    monkeypatch.setattr(api.deps.passwords, "matches", counted)

    await log_in(api, world, email="nobody@clinic.test")
    await log_in(api, world, password="wrong")

    assert compared == [None, await password_hash_of(api, world)]


async def test_a_hash_of_the_original_is_taken_and_made_anew(api: Api) -> None:
    world = await a_clinic(api.deps)
    old = bcrypt.hashpw(world.password.encode(), bcrypt.gensalt(rounds=4)).decode()
    await execute(api, change_user(world, password_hash=old))

    wrong, _ = await log_in(api, world, password="wrong")
    kept = await password_hash_of(api, world)
    first, _ = await log_in(api, world)
    renewed = await password_hash_of(api, world)
    second, _ = await log_in(api, world)

    assert (wrong, kept, first, second) == (401, old, 201, 201)
    assert renewed.startswith("$argon2id$")
    assert await password_hash_of(api, world) == renewed


class TestEvents:
    """What a sign-in tells (D8)."""

    async def test_a_success_tells_of_the_token_and_of_the_sign_in(self, api: Api) -> None:
        world = await a_clinic(api.deps)

        _, body = await log_in(api, world)

        token_id, user_id = body["data"]["id"], str(world.user_id)
        client_id = str(world.client_id)
        expires = api.clock.now() + timedelta(seconds=3600)
        assert await events_of(api) == [
            (
                "mithril.token.issued.v1",
                {
                    "token_id": token_id,
                    "name": "access_token",
                    "user_id": user_id,
                    "client_id": client_id,
                    "app_id": None,
                    "family_id": token_id,
                    "grant_type": "password",
                    "scope": ["app:authorize"],
                    "expires_at": expires.isoformat(),
                },
            ),
            (
                "mithril.login.succeeded.v1",
                {
                    "user_id": user_id,
                    "client_id": client_id,
                    "grant_type": "password",
                    "token_id": token_id,
                },
            ),
        ]

    @pytest.mark.parametrize(
        ("asked", "user", "reason"),
        [
            ({"password": "wrong"}, {}, "password_wrong"),
            ({}, {"is_blocked": True}, "user_blocked"),
            ({"scope": "never:heard-of"}, {}, "scope_not_of_client_type"),
        ],
    )
    async def test_a_refusal_of_a_known_user_says_why(
        self, api: Api, asked: dict[str, Any], user: dict[str, Any], reason: str
    ) -> None:
        world = await a_clinic(api.deps)
        if user:
            await execute(api, change_user(world, **user))

        await log_in(api, world, **asked)

        assert await events_of(api) == [
            (
                "mithril.login.failed.v1",
                {
                    "user_id": str(world.user_id),
                    "client_id": str(world.client_id),
                    "grant_type": "password",
                    "reason": reason,
                },
            )
        ]

    @pytest.mark.parametrize(
        "asked",
        [
            {"email": "nobody@clinic.test"},
            {"client_id": "6498d88e-97fb-47e2-85a5-99e884f888aa"},
        ],
    )
    async def test_who_or_what_is_unknown_leaves_none(
        self, api: Api, asked: dict[str, Any]
    ) -> None:
        world = await a_clinic(api.deps)

        await log_in(api, world, **asked)

        assert await events_of(api) == []


class TestSuperseding:
    """A new token ends the former ones of the same user and client (spec §2.2)."""

    async def test_a_session_ends_access_and_second_factor_tokens_alone(
        self, api: Api
    ) -> None:
        world = await a_clinic(api.deps)
        for name in TokenName:
            await a_session(api, world, name, scope="user:read")

        _, body = await log_in(api, world)

        kept = ["authorization_code", "change_password_token", "refresh_token"]
        assert await live_tokens(api, world.user_id) == sorted(
            ["access_token", *kept, "refresh_token"]
        )
        assert (await events_of(api))[0] == (
            "mithril.token.revoked.v1",
            {
                "selector": "user",
                "reason": "superseded",
                "user_id": str(world.user_id),
                "client_id": str(world.client_id),
                "app_id": None,
                "family_id": None,
                "token_id": None,
                "count": 2,
            },
        )
        assert await verify(api, body["data"]["value"]) == 200

    async def test_a_change_password_token_ends_only_its_like(self, api: Api) -> None:
        world = await a_clinic(api.deps)
        for name in (TokenName.ACCESS, TokenName.CHANGE_PASSWORD):
            await a_session(api, world, name, scope="user:read")

        await log_in(api, world, **CHANGE)

        assert await live_tokens(api, world.user_id) == [
            "access_token",
            "change_password_token",
            "refresh_token",
        ]

    async def test_other_clients_and_other_users_keep_theirs(self, api: Api) -> None:
        world, other = await a_clinic(api.deps), await a_clinic(api.deps)
        elsewhere: Minted = a_token(
            api.deps, TokenName.ACCESS, world.user_id, other.client_id
        )
        somebody: Minted = a_token(
            api.deps, TokenName.ACCESS, other.user_id, world.client_id
        )
        await store(api.deps, elsewhere, somebody)

        await log_in(api, world)

        verified = [await verify(api, item.value) for item in (elsewhere, somebody)]
        assert verified == [200, 200]

    async def test_a_refused_sign_in_ends_nothing(self, api: Api) -> None:
        world = await a_clinic(api.deps)
        session = await a_session(api, world, scope="user:read")

        await log_in(api, world, password="wrong")
        await log_in(api, world, scope="never:heard-of")

        assert await verify(api, session.value) == 200

    async def test_of_two_sign_ins_at_once_one_token_stays(self, api: Api) -> None:
        world = await a_clinic(api.deps)
        async with api.deps.db.begin() as holder:
            await holder.execute(select(tables.users).with_for_update())
            both = [asyncio.create_task(log_in(api, world)) for _ in range(2)]
            await until_waiting(api.deps, 2)
        answers = await asyncio.gather(*both)

        assert [status for status, _ in answers] == [201, 201]
        assert await live_tokens(api, world.user_id) == ["access_token", "refresh_token"]


class TestLimit:
    """Ten failures in ten minutes, then no more tries for a while."""

    async def test_the_eleventh_try_is_refused_even_with_the_right_password(
        self, api: Api
    ) -> None:
        world = await a_clinic(api.deps)

        answers = [await log_in(api, world, password="wrong") for _ in range(11)]
        right = await log_in(api, world)

        assert [refused(answer) for answer in answers] == [WRONG] * 10 + [LIMIT]
        assert refused(right) == LIMIT
        reasons = [data["reason"] for _, data in await events_of(api)]
        assert reasons == ["password_wrong"] * 10 + ["login_limit"] * 2

    async def test_the_limit_is_of_one_user(self, api: Api) -> None:
        world, other = await a_clinic(api.deps), await a_clinic(api.deps)
        for _ in range(10):
            await log_in(api, world, password="wrong")

        status, _ = await log_in(api, other)

        assert status == 201

    async def test_failures_count_for_ten_minutes_and_no_longer(self, api: Api) -> None:
        world = await a_clinic(api.deps)
        for _ in range(10):
            await log_in(api, world, password="wrong")

        api.clock.advance(timedelta(minutes=10, seconds=-1))
        before = await log_in(api, world, password="wrong")
        api.clock.advance(timedelta(seconds=1))
        after = await log_in(api, world, password="wrong")

        assert (refused(before), refused(after)) == (LIMIT, WRONG)
        assert await failures(api) == 1  # those that count no more are gone

    @pytest.mark.parametrize("scope", ["app:authorize", "never:heard-of"])
    async def test_a_right_password_forgives_whatever_else_is_wrong(
        self, api: Api, scope: str
    ) -> None:
        world = await a_clinic(api.deps)
        for _ in range(9):
            await log_in(api, world, password="wrong")

        await log_in(api, world, scope=scope)

        assert await failures(api) == 0

    async def test_tries_at_once_cannot_go_past_it(self, api: Api) -> None:
        world = await a_clinic(api.deps)
        for _ in range(8):
            await log_in(api, world, password="wrong")
        async with api.deps.db.begin() as holder:
            await holder.execute(select(tables.users).with_for_update())
            tries = [
                asyncio.create_task(log_in(api, world, password="wrong")) for _ in range(12)
            ]
            # All have been let through to the comparison; as many as the gate lets in wait.
            await until_waiting(api.deps, 2)
        answers = [refused(answer) for answer in await asyncio.gather(*tries)]

        assert (answers.count(WRONG), answers.count(LIMIT)) == (2, 10)
        assert await failures(api) == 10


class TestRaces:
    """What changes between the comparison of the password and the token."""

    async def test_a_block_under_way_is_not_escaped(self, api: Api) -> None:
        world = await a_clinic(api.deps)
        async with api.deps.db.begin() as blocker:
            await blocker.execute(change_user(world, is_blocked=True))
            waiting = asyncio.create_task(log_in(api, world))
            await until_waiting(api.deps)
        answer = await waiting

        assert refused(answer) == BLOCKED
        assert await live_tokens(api, world.user_id) == ["refresh_token"]

    async def test_a_password_changed_meanwhile_is_noticed(self, api: Api) -> None:
        world = await a_clinic(api.deps)
        other = await api.deps.passwords.hash("Another-Horse-9")
        async with api.deps.db.begin() as changer:
            await changer.execute(change_user(world, password_hash=other))
            waiting = asyncio.create_task(log_in(api, world))
            await until_waiting(api.deps)
        answer = await waiting

        assert refused(answer) == WRONG
        assert await failures(api) == 1

    async def test_the_same_password_hashed_anew_meanwhile_is_still_right(
        self, api: Api
    ) -> None:
        world = await a_clinic(api.deps)
        same = await api.deps.passwords.hash(world.password)
        async with api.deps.db.begin() as changer:
            await changer.execute(change_user(world, password_hash=same))
            waiting = asyncio.create_task(log_in(api, world))
            await until_waiting(api.deps)
        status, _ = await waiting

        assert status == 201

    async def test_an_account_deleted_meanwhile_is_not_found(self, api: Api) -> None:
        world = await a_clinic(api.deps)
        users, clients = tables.users, tables.clients
        other = await a_clinic(api.deps)
        theirs = clients.c.id == world.client_id
        await execute(api, update(clients).where(theirs).values(user_id=other.user_id))
        async with api.deps.db.begin() as deleter:
            await deleter.execute(users.delete().where(users.c.id == world.user_id))
            waiting = asyncio.create_task(log_in(api, world))
            await until_waiting(api.deps)
        answer = await waiting

        assert refused(answer) == (
            401,
            {"type": "access_denied", "message": "User not found."},
        )
