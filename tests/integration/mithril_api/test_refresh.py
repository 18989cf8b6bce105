"""The refresh grant over HTTP: contract, order of checks, policies (spec §3.6, D2, D3)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import select, text, update

from services.mithril_api.app import build
from services.mithril_api.domain.keys import CONNECTION_SECRET
from services.mithril_api.domain.values import Ours, shape_of
from services.mithril_api.store import sql
from shared.models.schema import mithril as tables
from shared.models.tokens import TokenName
from shared.runtime.partitions import Unit, existing, partition_of
from tests.builders import SCOPE, World, a_token, a_world, store
from tests.integration.mithril_api.conftest import Api, settings_for
from tests.races import until_waiting

ROTATES = {"refresh_token_policy": "rotate"}


async def refresh(api: Api, world: World, **but: Any) -> tuple[int, dict[str, Any]]:
    response = await api.public.post("/oauth/tokens", json=world.refresh_body(**but))
    return response.status, await response.json()


async def events_of(api: Api) -> list[str]:
    async with api.deps.db.begin() as conn:
        query = select(tables.outbox.c.type).order_by(tables.outbox.c.position)
        return list((await conn.execute(query)).scalars())


async def execute(api: Api, statement: Any) -> None:
    async with api.deps.db.begin() as conn:
        await conn.execute(statement)


async def test_a_refresh_answers_the_documented_token_and_nothing_more(api: Api) -> None:
    world = await a_world(api.deps)

    response = await api.public.post("/oauth/tokens", json=world.refresh_body())
    body = await response.json()

    assert response.status == 201
    assert response.headers["Cache-Control"] == "no-store"
    assert body["meta"] == {
        "code": 201,
        "type": "object",
        "url": str(response.url),
        "request_id": response.headers["X-Request-ID"],
    }
    assert list(body) == ["meta", "data"]
    data = body["data"]
    expires = api.clock.now() + timedelta(seconds=3600)
    assert data == {
        "id": data["id"],
        "name": "access_token",
        "value": data["value"],
        "expires_at": int(expires.timestamp()),
        "user_id": str(world.user_id),
        "details": {
            "client_id": str(world.client_id),
            "grant_type": "refresh_token",
            "scope": " ".join(SCOPE),
            "app_id": str(world.app_id),
        },
    }
    assert len(data["value"]) == 32
    assert data["value"].isalnum()


async def test_the_event_of_a_refresh_is_committed_with_the_token(api: Api) -> None:
    world = await a_world(api.deps)

    _, body = await refresh(api, world)

    async with api.deps.db.begin() as conn:
        row = (await conn.execute(select(tables.outbox))).one()
        token = (
            await conn.execute(
                select(tables.tokens).where(tables.tokens.c.id == UUID(body["data"]["id"]))
            )
        ).one()
    assert (row.type, row.aggregatetype) == ("mithril.token.refreshed.v1", "mithril.tokens")
    assert row.aggregateid == str(world.user_id)
    assert row.payload == {
        "token_id": body["data"]["id"],
        "refresh_token_id": str(world.refresh.token.id),
        "successor_id": None,
        "user_id": str(world.user_id),
        "client_id": str(world.client_id),
        "app_id": str(world.app_id),
        "family_id": str(world.refresh.token.family_id),
        "generation": 0,
        "scope": list(SCOPE),
        "expires_at": token.expires_at.isoformat(),
    }
    assert body["data"]["value"] not in str(row)


async def test_a_refresh_token_may_be_used_any_number_of_times_by_default(api: Api) -> None:
    world = await a_world(api.deps)

    answers = [await refresh(api, world) for _ in range(3)]

    assert [status for status, _ in answers] == [201, 201, 201]
    assert len({body["data"]["value"] for _, body in answers}) == 3


@pytest.mark.parametrize("missing", ["client_id", "client_secret", "refresh_token"])
async def test_each_missing_field_is_named(api: Api, missing: str) -> None:
    world = await a_world(api.deps)

    status, body = await refresh(api, world, **{missing: ...})

    assert (status, body["error"]["type"]) == (422, "validation_failed")
    assert body["error"]["invalid"] == [
        {
            "entry_type": "json_data_property",
            "entry": f"$.{missing}",
            "rules": [{"rule": "required", "params": [], "description": "can't be blank"}],
        }
    ]


async def test_all_missing_fields_are_named_at_once(api: Api) -> None:
    world = await a_world(api.deps)

    _, body = await refresh(api, world, client_id=..., client_secret="", refresh_token=None)

    entries = [item["entry"] for item in body["error"]["invalid"]]
    assert entries == ["$.client_id", "$.client_secret", "$.refresh_token"]


@pytest.mark.parametrize(
    ("but", "expected"),
    [
        pytest.param(
            {"client_secret": "wrong"},
            (401, "invalid_client", "Invalid client id or secret."),
            id="a wrong secret",
        ),
        pytest.param(
            {"client_id": "6498d88e-97fb-47e2-85a5-99e884f888aa"},
            (401, "invalid_client", "Invalid client id or secret."),
            id="an unknown client",
        ),
        pytest.param(
            {"refresh_token": "never-issued"},
            (401, "token_not_found", "Token not found."),
            id="an unknown token",
        ),
        pytest.param(
            {"refresh_token": "never-issued", "client_secret": "wrong"},
            (401, "invalid_client", "Invalid client id or secret."),
            id="the client is judged before the token",
        ),
        pytest.param(
            {"client_id": "not-a-uuid"},
            (
                400,
                "request_malformed",
                "Malformed request. Probably, you have sent corrupted JSON.",
            ),
            id="a client id that is no UUID",
        ),
        pytest.param(
            {"grant_type": "password"},
            (401, "invalid_grant", "Grant type not allowed."),
            id="a grant that this endpoint does not offer",
        ),
        pytest.param(
            {"grant_type": ...},
            (422, "request_malformed", "Request must include grant_type."),
            id="no grant type",
        ),
    ],
)
async def test_a_refusal_has_its_documented_answer(
    api: Api, but: dict[str, Any], expected: tuple[int, str, str]
) -> None:
    world = await a_world(api.deps)

    status, body = await refresh(api, world, **but)

    assert (status, body["error"]["type"], body["error"]["message"]) == expected


async def test_another_clients_token_is_not_found_or_expired(api: Api) -> None:
    ours, theirs = await a_world(api.deps), await a_world(api.deps)

    status, body = await refresh(api, ours, refresh_token=theirs.refresh.value)

    assert (status, body["error"]) == (
        401,
        {"type": "invalid_grant", "message": "Token not found or expired."},
    )


async def test_an_access_token_does_not_refresh(api: Api) -> None:
    world = await a_world(api.deps)
    _, body = await refresh(api, world)

    status, body = await refresh(api, world, refresh_token=body["data"]["value"])

    assert (status, body["error"]["type"]) == (401, "token_not_found")


async def test_a_token_ends_on_the_dot(api: Api) -> None:
    world = await a_world(api.deps)
    token = a_token(
        api.deps,
        TokenName.REFRESH,
        world.user_id,
        world.client_id,
        lives=timedelta(minutes=1),
    )
    await store(api.deps, token)

    api.clock.advance(timedelta(seconds=59))
    before, _ = await refresh(api, world, refresh_token=token.value)
    api.clock.advance(timedelta(seconds=1))
    status, body = await refresh(api, world, refresh_token=token.value)

    assert before == 201
    assert (status, body["error"]) == (
        401,
        {"type": "token_expired", "message": "Token expired."},
    )


async def test_a_revoked_token_is_as_good_as_expired(api: Api) -> None:
    world = await a_world(api.deps)
    await execute(api, update(tables.tokens).values(revoked_at=api.clock.now()))

    status, body = await refresh(api, world)

    assert (status, body["error"]["type"]) == (401, "token_expired")


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (tables.users, ("user_blocked", "User blocked.")),
        (tables.clients, ("access_denied", "Client is blocked.")),
    ],
)
async def test_who_is_blocked_gets_nothing(
    api: Api, table: Any, expected: tuple[str, str]
) -> None:
    world = await a_world(api.deps)
    await execute(api, update(table).values(is_blocked=True))

    status, body = await refresh(api, world)

    assert (status, body["error"]["type"], body["error"]["message"]) == (401, *expected)


async def test_a_withdrawn_approval_ends_the_family(api: Api) -> None:
    world = await a_world(api.deps)
    await execute(api, tables.apps.delete())

    status, body = await refresh(api, world)

    assert (status, body["error"]) == (
        401,
        {
            "type": "access_denied",
            "message": "Resource owner revoked access for the client.",
        },
    )


@pytest.mark.parametrize("limit", [tables.apps, tables.client_types, tables.roles])
async def test_scope_is_narrowed_to_what_is_allowed_now(api: Api, limit: Any) -> None:
    world = await a_world(api.deps)
    await execute(api, update(limit).values(scope=["person:read", "never:granted"]))

    _, body = await refresh(api, world)

    assert body["data"]["details"]["scope"] == "person:read"


@pytest.mark.parametrize("limit", [tables.apps, tables.client_types, tables.roles])
async def test_a_refresh_that_would_allow_nothing_is_refused(api: Api, limit: Any) -> None:
    world = await a_world(api.deps)
    await execute(api, update(limit).values(scope=["other:read"]))

    status, body = await refresh(api, world)

    assert status == 401
    assert body["error"]["message"] == "Resource owner revoked access for the client."


async def test_an_approval_that_grew_does_not_widen_a_family(api: Api) -> None:
    world = await a_world(api.deps)
    wider = [*SCOPE, "employee:write"]
    for table in (tables.apps, tables.client_types, tables.roles):
        await execute(api, update(table).values(scope=wider))

    _, body = await refresh(api, world)

    assert body["data"]["details"]["scope"] == " ".join(SCOPE)


async def test_a_value_with_a_wrong_checksum_is_refused_without_the_database(
    api: Api,
) -> None:
    world = await a_world(api.deps)
    value = world.refresh.value
    forged = value[:-1] + ("0" if value[-1] != "0" else "1")
    async with api.deps.db.begin() as conn:
        await conn.execute(text("LOCK TABLE tokens, connections, connection_secrets"))
        # Nothing can be read while the tables are locked, and yet there is an answer.
        async with asyncio.timeout(5):
            status, body = await refresh(api, world, refresh_token=forged)

    assert (status, body["error"]["type"]) == (401, "token_not_found")


async def test_a_secret_that_rotates_out_works_until_its_end(api: Api) -> None:
    world = await a_world(api.deps)
    end = api.clock.now() + timedelta(days=1)
    await execute(api, update(tables.connection_secrets).values(expires_at=end))

    before, _ = await refresh(api, world)
    api.clock.advance(timedelta(days=1))
    after, body = await refresh(api, world)

    assert (before, after) == (201, 401)
    assert body["error"]["type"] == "invalid_client"


class TestRotation:
    """A client whose policy is `rotate`: one successor, whatever happens (D3)."""

    async def test_the_first_use_gives_one_successor(self, api: Api) -> None:
        world = await a_world(api.deps, client_settings=ROTATES)

        status, body = await refresh(api, world)
        successor = body["data"]["details"]["refresh_token"]
        again, _ = await refresh(api, world, refresh_token=successor)

        assert (status, again) == (201, 201)
        assert successor != world.refresh.value

    async def test_a_repeat_within_grace_gives_the_same_successor(self, api: Api) -> None:
        world = await a_world(api.deps, client_settings=ROTATES)

        _, first = await refresh(api, world)
        api.clock.advance(timedelta(seconds=30))
        status, second = await refresh(api, world)

        assert status == 201
        assert (
            first["data"]["details"]["refresh_token"]
            == (second["data"]["details"]["refresh_token"])
        )
        assert first["data"]["value"] != second["data"]["value"]

    @pytest.mark.parametrize(
        "how", ["after the grace time", "after the successor was used"]
    )
    async def test_a_late_repeat_is_theft_and_ends_the_family(
        self, api: Api, how: str
    ) -> None:
        world = await a_world(api.deps, client_settings=ROTATES)
        _, first = await refresh(api, world)
        successor = first["data"]["details"]["refresh_token"]
        if how == "after the grace time":
            api.clock.advance(timedelta(seconds=31))
        else:
            await refresh(api, world, refresh_token=successor)

        status, body = await refresh(api, world)
        after, _ = await refresh(api, world, refresh_token=successor)
        verified = await api.internal.get(f"/admin/tokens/{first['data']['value']}/verify")

        assert (status, body["error"]["type"]) == (401, "token_expired")
        assert (after, verified.status) == (401, 401)
        assert (await events_of(api))[-2:] == [
            "mithril.token.reuse-detected.v1",
            "mithril.token.revoked.v1",
        ]

    async def test_many_at_once_get_the_same_successor_and_nobody_is_logged_out(
        self, api: Api
    ) -> None:
        world = await a_world(api.deps, client_settings=ROTATES)

        answers = await asyncio.gather(*(refresh(api, world) for _ in range(40)))

        assert {status for status, _ in answers} == {201}
        assert len({body["data"]["details"]["refresh_token"] for _, body in answers}) == 1
        async with api.deps.db.begin() as conn:
            query = select(tables.tokens.c.id).where(
                tables.tokens.c.name == "refresh_token"
            )
            assert len((await conn.execute(query)).all()) == 2

    async def test_the_server_does_not_store_what_it_would_take_to_print_a_successor(
        self, api: Api
    ) -> None:
        world = await a_world(api.deps, client_settings=ROTATES)

        _, body = await refresh(api, world)

        async with api.deps.db.begin() as conn:
            rows = (await conn.execute(select(tables.tokens))).all()
        kept = str([row._asdict() for row in rows])
        assert world.refresh.value not in kept
        assert body["data"]["details"]["refresh_token"] not in kept


async def test_of_200_concurrent_refreshes_each_gets_its_own_right_answer(api: Api) -> None:
    good = await a_world(api.deps)
    other = await a_world(api.deps)
    blocked = await a_world(api.deps)
    await execute(
        api,
        update(tables.users)
        .where(tables.users.c.id == blocked.user_id)
        .values(is_blocked=True),
    )
    withdrawn = await a_world(api.deps)
    await execute(api, tables.apps.delete().where(tables.apps.c.id == withdrawn.app_id))
    bad: list[tuple[World, dict[str, Any], int, str]] = [
        (good, {"client_secret": "wrong"}, 401, "invalid_client"),
        (good, {"refresh_token": "unknown"}, 401, "token_not_found"),
        (good, {"refresh_token": other.refresh.value}, 401, "invalid_grant"),
        (good, {"client_id": "nonsense"}, 400, "request_malformed"),
        (blocked, {}, 401, "user_blocked"),
        (withdrawn, {}, 401, "access_denied"),
    ]
    asked: list[tuple[World, dict[str, Any], int, str | None]] = [
        (*bad[number // 10 % len(bad)],) if number % 10 == 0 else (good, {}, 201, None)
        for number in range(200)
    ]

    answers = await asyncio.gather(
        *(refresh(api, world, **but) for world, but, _, _ in asked)
    )

    got = [(status, body.get("error", {}).get("type")) for status, body in answers]
    assert got == [(status, kind) for _, _, status, kind in asked]
    values = [body["data"]["value"] for status, body in answers if status == 201]
    assert len(set(values)) == 180
    assert (await events_of(api)).count("mithril.token.refreshed.v1") == 180


class TestTwoReplicas:
    """Two processes share one database: only locks keep them apart."""

    @pytest.fixture
    async def replica(
        self, api: Api, mithril_database: str
    ) -> AsyncIterator[TestClient[Any, Any]]:
        built = build(settings_for(mithril_database), clock=api.clock)
        async with TestClient(TestServer(built.public)) as client:
            yield client
        await built.deps.db.dispose()
        built.deps.passwords.close()

    async def test_a_rotation_under_way_is_waited_for_and_its_successor_given_again(
        self, api: Api, replica: TestClient[Any, Any]
    ) -> None:
        world = await a_world(api.deps, client_settings=ROTATES)
        body = world.refresh_body()
        async with api.deps.db.begin() as holder:
            await holder.execute(
                select(tables.tokens.c.id)
                .where(tables.tokens.c.id == world.refresh.token.id)
                .with_for_update()
            )
            first = asyncio.create_task(api.public.post("/oauth/tokens", json=body))
            second = asyncio.create_task(replica.post("/oauth/tokens", json=body))
            await until_waiting(api.deps, 2)  # both have read everything but the token
        answers = [await (await task).json() for task in (first, second)]

        successors = {answer["data"]["details"]["refresh_token"] for answer in answers}
        assert len(successors) == 1
        async with api.deps.db.begin() as conn:
            query = select(tables.tokens.c.id).where(
                tables.tokens.c.name == "refresh_token"
            )
            assert len((await conn.execute(query)).all()) == 2

    async def test_two_late_repeats_at_once_revoke_the_family_once_each_and_answer(
        self, api: Api, replica: TestClient[Any, Any]
    ) -> None:
        world = await a_world(api.deps, client_settings=ROTATES)
        _, first = await refresh(api, world)
        successor = first["data"]["details"]["refresh_token"]
        api.clock.advance(timedelta(seconds=31))
        stolen, live = world.refresh_body(), world.refresh_body(refresh_token=successor)
        async with api.deps.db.begin() as holder:
            await holder.execute(select(tables.tokens.c.id).with_for_update())
            tasks = [
                asyncio.create_task(client.post("/oauth/tokens", json=body))
                for client, body in (
                    (api.public, stolen),
                    (replica, stolen),
                    (replica, live),
                )
            ]
            await until_waiting(api.deps, 3)
        answers = [await task for task in tasks]

        assert [answer.status for answer in answers[:2]] == [401, 401]
        assert answers[2].status in {201, 401}  # it came before the revocation, or after
        async with api.deps.db.begin() as conn:
            now = api.clock.now()
            alive = select(tables.tokens.c.id).where(
                tables.tokens.c.revoked_at.is_(None), tables.tokens.c.expires_at > now
            )
            assert (await conn.execute(alive)).all() == []


class TestThePlan:
    """A look-up reads one partition, whatever the number of them (D5, D6)."""

    @pytest.mark.parametrize("name", ["refresh_facts", "verify_facts"])
    async def test_a_batch_reads_only_the_partitions_its_values_name(
        self, api: Api, name: str
    ) -> None:
        world = await a_world(api.deps)
        shape = shape_of(world.refresh.value)
        assert isinstance(shape, Ours)
        now, digest = api.clock.now(), world.refresh.token.digest
        secret = api.deps.settings.keyring.digest(CONNECTION_SECRET, world.client_secret)
        arguments: tuple[Any, ...] = (
            ([world.client_id], [secret], [None], [digest], [shape.day], now, [None])
            if name == "refresh_facts"
            else ([digest], [shape.day], [None], [None], now)
        )
        async with api.deps.db.begin() as conn:
            explain = f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {sql.load(name)}"
            result = await conn.exec_driver_sql(explain, arguments)
            plan = list(result.scalars())
            partitions = await existing(conn, "tokens", Unit.WEEK)

        read = [
            line.split(" on ")[1].split()[0]
            for line in plan
            if " on tokens_" in line and "never executed" not in line
        ]
        wanted = partition_of("tokens", Unit.WEEK, world.refresh.token.expires_at)
        assert read == [wanted.name]
        assert len(partitions) > 3
        assert not any("Seq Scan on tokens" in line for line in plan)

    async def test_a_rotation_writes_only_the_partitions_that_its_tokens_name(
        self, api: Api
    ) -> None:
        world = await a_world(api.deps)
        token, now = world.refresh.token, api.clock.now()
        successor = api.deps.entropy.uuid()
        arguments: tuple[Any, ...] = (
            *([] for _ in range(21)),
            *([token.id], [token.expires_at], now, [token.id], [token.expires_at]),
            *([successor], [token.expires_at]),
        )
        async with api.deps.db.begin() as conn:
            statement = sql.load("rotate_tokens_and_events")
            explain = f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {statement}"
            result = await conn.exec_driver_sql(explain, arguments)
            plan = list(result.scalars())

        scanned = {
            line.split(" on ")[1].split()[0]
            for line in plan
            if "Scan" in line and " on tokens_" in line and "never executed" not in line
        }
        wanted = partition_of("tokens", Unit.WEEK, token.expires_at)
        assert scanned == {wanted.name}
        assert not any("Seq Scan on tokens" in line for line in plan)


class TestPartitionEdges:
    """Expiry on an edge, or in a week that has no partition, is like any other."""

    @pytest.mark.parametrize("weeks", [1, 2, 300])
    @pytest.mark.parametrize("offset", [timedelta(0), timedelta(microseconds=-1)])
    async def test_a_token_that_expires_at_midnight_on_monday_is_found(
        self, api: Api, weeks: int, offset: timedelta
    ) -> None:
        world = await a_world(api.deps)
        week = partition_of("tokens", Unit.WEEK, api.clock.now() + timedelta(weeks=weeks))
        token = a_token(
            api.deps,
            TokenName.REFRESH,
            world.user_id,
            world.client_id,
            expires_at=week.start + offset,
        )
        await store(api.deps, token)

        status, _ = await refresh(api, world, refresh_token=token.value)

        assert status == 201
