"""Nobody is logged out by a move: what worked in the original works here."""

from datetime import UTC, timedelta
from typing import Any

import asyncpg
import pytest
from sqlalchemy import select

from services.mithril_api.domain.legacy.findings import Kind
from services.mithril_api.domain.values import digest_of
from shared.models.schema import mithril as tables
from tests.integration.mithril_api.conftest import Api
from tests.integration.mithril_api.legacy.conftest import Move
from tests.integration.mithril_api.legacy.original import (
    PASSWORD,
    REDIRECT,
    SCOPE,
    Original,
    Tenant,
    bcrypt_of,
)


async def refresh(api: Api, tenant: Tenant, **but: str) -> tuple[int, dict[str, Any]]:
    token = {
        "grant_type": "refresh_token",
        "client_id": str(tenant.client_id),
        "client_secret": tenant.secret,
        "refresh_token": tenant.refresh,
        **but,
    }
    response = await api.public.post("/oauth/tokens", json={"token": token})
    return response.status, await response.json()


async def verify(api: Api, value: str, **headers: str) -> tuple[int, dict[str, Any]]:
    response = await api.internal.get(f"/admin/tokens/{value}/verify", headers=headers)
    return response.status, await response.json()


async def login(api: Api, tenant: Tenant, password: str = PASSWORD) -> tuple[int, Any]:
    token = {
        "grant_type": "password",
        "email": tenant.email,
        "password": password,
        "client_id": str(tenant.client_id),
        "scope": "person:read",
    }
    response = await api.public.post("/auth/login", json={"token": token})
    return response.status, await response.json()


async def test_an_old_access_token_is_verified_with_its_scope_and_never_its_refresh_token(
    original: Original, move: Move, api: Api
) -> None:
    tenant = await original.tenant(person_id="person-1")

    await move()

    status, body = await verify(api, tenant.access)
    assert status == 200
    assert body["data"]["user_id"] == str(tenant.user_id)
    assert body["data"]["details"]["scope"] == SCOPE
    assert body["data"]["details"]["redirect_uri"] == REDIRECT
    assert body["data"]["user"] == {"person_id": "person-1"}
    assert tenant.refresh not in str(body)


async def test_an_old_refresh_token_refreshes_again_and_again(
    original: Original, move: Move, api: Api
) -> None:
    tenant = await original.tenant()

    await move()

    for _ in range(2):
        status, body = await refresh(api, tenant)
        assert status == 201
        assert body["data"]["details"]["scope"] == SCOPE
        assert (await verify(api, body["data"]["value"]))[0] == 200


async def test_an_old_code_buys_tokens_once(
    original: Original, move: Move, api: Api
) -> None:
    tenant = await original.tenant()
    asked = {"scope_request": SCOPE, "redirect_uri": REDIRECT, "grant_type": "password"}
    fresh = await original.token(
        "authorization_code", tenant.user_id, tenant.client_id, details=asked
    )
    used = await original.token(
        "authorization_code",
        tenant.user_id,
        tenant.client_id,
        details={**asked, "used": True},
    )

    await move()

    answers = []
    for code in (fresh, fresh, used):
        token = {
            "grant_type": "authorization_code",
            "client_id": str(tenant.client_id),
            "client_secret": tenant.secret,
            "redirect_uri": REDIRECT,
            "code": code,
        }
        response = await api.public.post("/oauth/tokens", json={"token": token})
        answers.append(response.status)
    assert answers == [201, 401, 401]


async def test_a_user_signs_in_with_the_old_password_which_is_then_hashed_anew(
    original: Original, move: Move, api: Api
) -> None:
    tenant = await original.tenant(email="Doctor@Clinic.test")

    await move()

    assert (await login(api, tenant, "Wrong-Horse-9"))[0] == 401
    assert (await login(api, tenant))[0] == 201
    async with api.deps.db.read() as conn:
        query = select(tables.users.c.password_hash).where(
            tables.users.c.id == tenant.user_id
        )
        assert (await conn.execute(query)).scalar_one().startswith("$argon2id$")


async def test_a_blocked_user_and_a_blocked_client_stay_blocked(
    original: Original, move: Move, api: Api
) -> None:
    user, client = await original.tenant(), await original.tenant()
    await original.change("users", user.user_id, is_blocked=True, block_reason="left")
    await original.change("clients", client.client_id, is_blocked=True)

    await move()

    assert (await refresh(api, user))[1]["error"]["type"] == "user_blocked"
    assert (await refresh(api, client))[1]["error"]["message"] == "Client is blocked."


async def test_a_password_that_was_set_before_may_not_be_set_again(
    original: Original, move: Move, api: Api
) -> None:
    tenant = await original.tenant()
    await original.change("users", tenant.user_id, password=bcrypt_of("Another-Horse-9"))

    await move()

    user = {"password": PASSWORD, "current_password": "Another-Horse-9"}
    response = await api.internal.patch(
        f"/admin/users/{tenant.user_id}/actions/change_password", json={"user": user}
    )
    assert response.status == 422
    rule = (await response.json())["error"]["invalid"][0]["rules"][0]["rule"]
    assert rule == "password_used"


async def test_a_second_factor_is_still_asked_for(
    original: Original, move: Move, api: Api
) -> None:
    tenant = await original.tenant()
    await original.add(
        "authentication_factors", type="SMS", factor=None, user_id=tenant.user_id
    )

    await move()

    status, body = await login(api, tenant)
    assert status == 201
    assert body["urgent"]["next_step"] == "REQUEST_FACTOR"


async def test_failed_sign_ins_count_on(original: Original, move: Move, api: Api) -> None:
    when = (original.now - timedelta(minutes=1)).isoformat()
    wrong = {"type": "password", "is_success": False, "time": when}
    tenant = await original.tenant(priv_settings={"login_hstr": [wrong] * 2 + [None, 3]})
    many = [
        {**wrong, "time": (original.now - timedelta(seconds=second)).isoformat()}
        for second in range(10)
    ]
    limited = await original.tenant(priv_settings={"login_hstr": many})

    await move()

    assert (await login(api, tenant))[0] == 201
    message = (await login(api, limited))[1]["error"]["message"]
    assert message == "You reached login attempts limit. Try again later"


async def test_a_broker_is_still_known_by_its_key(
    original: Original, move: Move, api: Api
) -> None:
    mis, clinic = await original.tenant(), await original.tenant()
    broker = {"access_type": "DIRECT", "broker_scope": "person:read"}
    await original.change("clients", mis.client_id, priv_settings=broker)
    await original.change(
        "clients", clinic.client_id, priv_settings={"access_type": "BROKER"}
    )

    await move()

    assert (await verify(api, clinic.access))[0] == 422
    status, body = await verify(api, clinic.access, **{"api-key": mis.secret})
    assert status == 200
    assert body["urgent"]["mis_client_id"] == str(mis.client_id)


async def test_a_global_role_counts_and_a_seeded_role_takes_the_id_and_scope_of_the_original(
    original: Original, move: Move, api: Api
) -> None:
    tenant = await original.tenant()
    role_id = await original.add("roles", name="DOCTOR", scope="person:read")
    type_id = await original.add("client_types", name="MSP", scope="person:read")
    await original.add("global_user_roles", user_id=tenant.user_id, role_id=role_id)

    report = await move()

    roles = await (await api.internal.get("/admin/roles?name=DOCTOR")).json()
    types = await (await api.internal.get("/admin/client_types?name=MSP")).json()
    user = f"/admin/users/{tenant.user_id}/global_roles"
    held = await (await api.internal.get(user)).json()
    assert [(item["id"], item["scope"]) for item in roles["data"]] == [
        (str(role_id), "person:read")
    ]
    assert [item["id"] for item in types["data"]] == [str(type_id)]
    assert [item["role_id"] for item in held["data"]] == [str(role_id)]
    assert report.tally.counts["roles", Kind.NAME_SEEDED] == 1
    assert report.status(frozenset()) == 0


async def test_no_value_of_a_token_and_no_secret_comes_into_our_database(
    original: Original, move: Move, mithril_database: str
) -> None:
    tenant = await original.tenant()

    await move()

    conn = await asyncpg.connect(mithril_database)
    kept = ["tokens", "token_expiries", "connection_secrets", "connections", "outbox"]
    for table in [*kept, "clients", "legacy_imports"]:
        rows = str(await conn.fetch(f"SELECT t::text FROM {table} t"))  # noqa: S608 — ours
        for secret in (tenant.access, tenant.refresh, tenant.secret):
            assert secret not in rows
    assert await conn.fetchval(
        "SELECT name FROM tokens WHERE digest = $1", digest_of(tenant.refresh)
    )
    await conn.close()


async def test_a_refresh_token_and_its_access_token_are_one_family(
    original: Original, move: Move, mithril_database: str
) -> None:
    await original.tenant()
    await original.tenant()

    await move()

    conn = await asyncpg.connect(mithril_database)
    families = await conn.fetch("SELECT family_id, count(*) FROM tokens GROUP BY 1")
    assert [row["count"] for row in families] == [2, 2]
    await conn.close()


@pytest.mark.parametrize("weeks", [5, 30])
async def test_a_token_that_ends_far_ahead_has_a_partition_of_its_own(
    original: Original, move: Move, mithril_database: str, weeks: int
) -> None:
    tenant = await original.tenant()
    await original.token(
        "access_token",
        tenant.user_id,
        tenant.client_id,
        expires_at=original.second(timedelta(weeks=weeks)),
    )

    await move()

    conn = await asyncpg.connect(mithril_database)
    assert await conn.fetchval("SELECT count(*) FROM tokens_default") == 0
    latest = await conn.fetchval("SELECT max(expires_at) FROM tokens")
    assert latest == (original.now + timedelta(weeks=weeks)).replace(tzinfo=UTC)
    await conn.close()


async def test_an_import_is_one_event_with_the_number_of_rows_and_a_repeat_is_none(
    original: Original, move: Move, api: Api
) -> None:
    await original.tenant()

    await move()
    await move()

    async with api.deps.db.read() as conn:
        rows = (await conn.execute(select(tables.outbox))).all()
    assert [row.type for row in rows] == ["mithril.import.completed.v1"]
    assert rows[0].payload["changes"]["tokens"] == 2
