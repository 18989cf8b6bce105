"""GET /oauth/user: what a user may see of their own account (docs §6)."""

from typing import Any

import pytest
from sqlalchemy import update

from shared.models.schema import mithril as tables
from shared.models.tokens import TokenName
from tests.integration.mithril_api.asking import a_clinic, a_session, bearer, execute
from tests.integration.mithril_api.conftest import SERVICE_TOKEN, Api

NOBODY = "6498d88e-97fb-47e2-85a5-99e884f888aa"
BROKERED = {"access_type": "BROKER"}


async def ask(api: Api, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
    response = await api.public.get("/oauth/user", headers=headers)
    return response.status, await response.json()


async def test_a_user_sees_the_documented_object(api: Api) -> None:
    world = await a_clinic(api.deps)
    session = await a_session(api, world, scope="user:read")
    person = {"tax_id": "3126509816", "person_id": NOBODY, "settings": {"lang": "uk"}}
    moments = {"inserted_at": api.clock.now(), "updated_at": api.clock.now()}
    await execute(api, update(tables.users).values(**person, **moments))

    response = await api.public.get("/oauth/user", headers=bearer(session.value))
    body = await response.json()

    moment = api.clock.now().strftime("%Y-%m-%dT%H:%M:%S.000000")
    assert (response.status, response.headers["Cache-Control"]) == (200, "no-store")
    assert body["data"] == {
        "id": str(world.user_id),
        "email": world.email,
        "tax_id": "3126509816",
        "person_id": NOBODY,
        "settings": {"lang": "uk"},
        "is_blocked": False,
        "block_reason": None,
        "inserted_at": moment,
        "updated_at": moment,
    }


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param(
            {},
            (
                401,
                "access_denied",
                "Authorization header is not set or doesn't contain Bearer token",
            ),
            id="nobody",
        ),
        pytest.param(
            {"x-consumer-id": NOBODY},
            (
                401,
                "access_denied",
                "Authorization header is not set or doesn't contain Bearer token",
            ),
            id="somebody who says so",
        ),
        pytest.param(
            bearer("never-issued"),
            (401, "access_denied", "Invalid access token"),
            id="an unknown token",
        ),
        pytest.param(
            {**bearer(SERVICE_TOKEN), "x-consumer-id": NOBODY},
            (404, "not_found", None),
            id="a user that a gateway invents",
        ),
        pytest.param(
            {**bearer(SERVICE_TOKEN), "x-consumer-id": "nobody"},
            (
                400,
                "request_malformed",
                "Malformed request. Probably, you have sent corrupted JSON.",
            ),
            id="a gateway's user that is no UUID",
        ),
    ],
)
async def test_who_is_not_known_sees_nothing(
    api: Api, headers: dict[str, str], expected: tuple[int, str, str | None]
) -> None:
    status, body = await ask(api, headers)

    assert (status, body["error"]["type"], body["error"].get("message")) == expected


async def test_a_token_without_the_scope_may_not(api: Api) -> None:
    world = await a_clinic(api.deps)
    session = await a_session(api, world, scope="app:authorize")

    status, body = await ask(api, bearer(session.value))

    assert (status, body["error"]) == (
        403,
        {
            "type": "forbidden",
            "message": (
                "Your scope does not allow to access this resource. "
                "Missing allowances: user:read"
            ),
        },
    )


async def test_a_token_that_is_no_access_token_may_not(api: Api) -> None:
    world = await a_clinic(api.deps)
    other = await a_session(api, world, TokenName.CHANGE_PASSWORD, scope="user:read")

    status, _ = await ask(api, bearer(other.value))

    assert status == 401


async def test_a_blocked_user_is_told_so(api: Api) -> None:
    world = await a_clinic(api.deps)
    session = await a_session(api, world, scope="user:read")
    await execute(api, update(tables.users).values(is_blocked=True))

    status, body = await ask(api, bearer(session.value))

    assert (status, body["error"]) == (
        401,
        {"type": "user_blocked", "message": "User blocked."},
    )


@pytest.mark.parametrize(
    ("broker_scope", "api_key", "expected"),
    [
        ("user:read", True, 200),
        ("episode:read", True, 403),
        ("user:read", False, 401),
    ],
)
async def test_behind_a_broker_its_key_and_its_scope_count(
    api: Api, broker_scope: str, api_key: bool, expected: int
) -> None:
    broker = await a_clinic(
        api.deps, priv_settings={**BROKERED, "broker_scope": broker_scope}
    )
    world = await a_clinic(api.deps, priv_settings=BROKERED)
    session = await a_session(api, world, scope="user:read")
    headers = {"api-key": broker.client_secret} if api_key else {}

    status, _ = await ask(api, {**bearer(session.value), **headers})

    assert status == expected
