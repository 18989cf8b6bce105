"""/api/pis/apps: a user sees and withdraws their own approvals, at once (docs §5)."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from services.mithril_api.store import apps
from shared.models.schema import mithril as tables
from shared.models.tokens import TokenName
from tests.builders import World, a_token, a_world, store
from tests.integration.mithril_api.administering import tokens_revoked
from tests.integration.mithril_api.asking import (
    Answered,
    a_clinic,
    a_session,
    bearer,
    events_of,
    execute,
    live_tokens,
    verify,
)
from tests.integration.mithril_api.conftest import SERVICE_TOKEN, Api
from tests.races import until_waiting

PATH = "/api/pis/apps"
NOT_FOUND = (404, {"type": "not_found", "message": "Approval not found"})
FORBIDDEN = (403, {"type": "forbidden", "message": "Forbidden"})
NOBODYS = "6498d88e-97fb-47e2-85a5-99e884f888aa"


async def ask(
    api: Api, method: str, value: str | None, path: str = "", **query: str
) -> Answered:
    headers = {} if value is None else bearer(value)
    response = await api.public.request(method, PATH + path, params=query, headers=headers)
    return response.status, {} if response.status == 204 else await response.json()


def refused(answered: Answered) -> tuple[int, Any]:
    status, body = answered
    return status, body.get("error")


async def a_reader(api: Api, scope: str = "app:authorize") -> tuple[World, World, str]:
    """A user with an approval for a clinic, and their session with the sign-in pages."""
    clinic, pages = await a_clinic(api.deps), await a_world(api.deps, scope=(scope,))
    session = a_token(
        api.deps,
        TokenName.ACCESS,
        clinic.user_id,
        pages.client_id,
        scope=scope.split(),
        grant_type="password",
    )
    await store(api.deps, session)
    return clinic, pages, session.value


async def approve(api: Api, world: World, client_id: UUID) -> str:
    """One more approval of this user."""
    new_id = api.deps.entropy.uuid()
    row = {"id": new_id, "user_id": world.user_id, "client_id": client_id, "scope": ["a:b"]}
    await execute(api, tables.apps.insert().values(row))
    return str(new_id)


async def test_a_session_sees_what_its_user_allowed(api: Api) -> None:
    clinic, pages, session = await a_reader(api)

    status, body = await ask(api, "GET", session)
    _, one = await ask(api, "GET", session, f"/{clinic.app_id}")

    assert status == 200
    assert [item["id"] for item in body["data"]] == [str(clinic.app_id)]
    assert body["paging"] == {
        "page_number": 1,
        "page_size": 50,
        "total_entries": 1,
        "total_pages": 1,
    }
    assert one["data"] == body["data"][0]
    assert {
        name: one["data"][name] for name in ("client_id", "client_name", "user_id")
    } == {
        "client_id": str(clinic.client_id),
        "client_name": "Clinic",
        "user_id": str(clinic.user_id),
    }
    assert str(pages.app_id) not in str(body)


@pytest.mark.parametrize(
    ("scope", "seen", "withdrawn"),
    [
        ("app:read_pis", 200, 403),
        ("app:delete_pis", 403, 204),
        ("app:authorize", 200, 204),
        ("person:read", 403, 403),
    ],
)
async def test_each_needs_its_scope_or_a_session_that_may_consent(
    api: Api, scope: str, seen: int, withdrawn: int
) -> None:
    clinic, _, session = await a_reader(api, scope)

    statuses = [
        (await ask(api, "GET", session))[0],
        (await ask(api, "GET", session, f"/{clinic.app_id}"))[0],
        (await ask(api, "DELETE", session, f"/{clinic.app_id}"))[0],
    ]

    assert statuses == [seen, seen, withdrawn]


@pytest.mark.parametrize("grant_type", ["authorization_code", "refresh_token"])
async def test_a_clients_own_token_is_no_session(api: Api, grant_type: str) -> None:
    clinic, pages, _ = await a_reader(api)
    theirs = a_token(
        api.deps,
        TokenName.ACCESS,
        clinic.user_id,
        pages.client_id,
        scope=("app:authorize",),
        grant_type=grant_type,
    )
    await store(api.deps, theirs)

    assert (await ask(api, "GET", theirs.value))[0] == 403


@pytest.mark.parametrize("kind", [TokenName.SECOND_FACTOR, TokenName.CHANGE_PASSWORD])
async def test_a_token_that_is_no_access_token_sees_nothing(
    api: Api, kind: TokenName
) -> None:
    world = await a_clinic(api.deps)
    token = await a_session(api, world, kind, scope="app:authorize")

    assert (await ask(api, "GET", token.value))[0] == 401


async def test_nobody_is_told_so(api: Api) -> None:
    unauthorized = (401, {"type": "access_denied", "message": "Unauthorized"})

    assert refused(await ask(api, "GET", None)) == unauthorized
    assert refused(await ask(api, "DELETE", None, f"/{NOBODYS}")) == unauthorized


async def test_a_gateway_may_say_whose_they_are(api: Api) -> None:
    clinic, _, _ = await a_reader(api)
    headers = {**bearer(SERVICE_TOKEN), "x-consumer-id": str(clinic.user_id)}

    response = await api.public.get(PATH, headers=headers)

    assert (response.status, len((await response.json())["data"])) == (200, 1)


async def test_another_users_is_not_found_and_not_to_be_withdrawn(api: Api) -> None:
    _, pages, session = await a_reader(api)

    for app_id in (str(pages.app_id), NOBODYS):
        assert refused(await ask(api, "GET", session, f"/{app_id}")) == NOT_FOUND
        assert refused(await ask(api, "DELETE", session, f"/{app_id}")) == FORBIDDEN
    assert await live_tokens(api, pages.user_id) == ["refresh_token"]


async def test_an_id_that_is_none_is_malformed(api: Api) -> None:
    _, _, session = await a_reader(api)

    assert (await ask(api, "GET", session, "/7"))[0] == 400


async def test_a_withdrawal_ends_what_was_allowed_at_once_and_says_so(api: Api) -> None:
    clinic, _, session = await a_reader(api)
    theirs = await a_session(api, clinic, scope="person:read")

    status, _ = await ask(api, "DELETE", session, f"/{clinic.app_id}")

    assert status == 204
    assert await verify(api, theirs.value) == 401
    assert await live_tokens(api, clinic.user_id) == ["access_token"]  # the session's
    ids = {"user_id": clinic.user_id, "client_id": clinic.client_id}
    assert await events_of(api) == [
        (
            "mithril.app.revoked.v1",
            {name: str(item) for name, item in ids.items()}
            | {"app_id": str(clinic.app_id)},
        ),
        tokens_revoked("app", "app_deleted", count=2, app_id=clinic.app_id, **ids),
    ]


async def test_an_approval_is_withdrawn_once(api: Api) -> None:
    clinic, _, session = await a_reader(api)

    answers = await asyncio.gather(
        *(ask(api, "DELETE", session, f"/{clinic.app_id}") for _ in range(5))
    )

    assert sorted(status for status, _ in answers) == [204, 403, 403, 403, 403]


class TestChoosing:
    """Filters and pages."""

    async def ids(self, api: Api, session: str, **query: str) -> list[str]:
        status, body = await ask(api, "GET", session, **query)
        assert status == 200
        return [item["id"] for item in body["data"]]

    async def test_by_client_with_and_without_the_mark(self, api: Api) -> None:
        clinic, pages, session = await a_reader(api)
        other = await approve(api, clinic, pages.client_id)
        first = str(clinic.app_id)

        plain = await self.ids(api, session, client_ids=str(clinic.client_id))
        marked = await self.ids(api, session, client_ids=f"client-{pages.client_id}")
        both = f"{clinic.client_id}, client-{pages.client_id}"

        assert (plain, marked) == ([first], [other])
        assert sorted(await self.ids(api, session, client_ids=both)) == sorted(
            [first, other]
        )

    async def test_by_name(self, api: Api) -> None:
        clinic, _, session = await a_reader(api)

        assert await self.ids(api, session, client_names="cli") == [str(clinic.app_id)]
        assert await self.ids(api, session, client_names="client_name-CLINIC,x") == [
            str(clinic.app_id)
        ]
        assert await self.ids(api, session, client_names="other") == []

    async def test_what_is_no_id_is_named(self, api: Api) -> None:
        _, _, session = await a_reader(api)

        status, body = await ask(api, "GET", session, client_ids="7")

        (item,) = body["error"]["invalid"]
        assert (status, item["entry"], item["entry_type"]) == (
            422,
            "$.client_ids",
            "query_param",
        )

    async def test_page_by_page(self, api: Api) -> None:
        clinic, _, session = await a_reader(api)
        for _ in range(4):
            await approve(api, clinic, (await a_world(api.deps)).client_id)
        pages = [
            await ask(api, "GET", session, page_number=number, page_size="2")
            for number in ("1", "2", "3", "4", "x")
        ]

        sizes = [len(body["data"]) for _, body in pages]
        assert sizes == [2, 2, 1, 0, 2]
        seen = {item["id"] for _, body in pages for item in body["data"]}
        assert len(seen) == 5
        assert pages[0][1]["paging"]["total_pages"] == 3

    async def test_a_page_has_a_hundred_at_most(self, api: Api) -> None:
        _, _, session = await a_reader(api)

        _, body = await ask(api, "GET", session, page_size="5000")

        assert body["paging"]["page_size"] == 100


async def test_a_consent_under_way_is_waited_for(api: Api) -> None:
    clinic, _, session = await a_reader(api)
    async with api.deps.db.begin() as conn:
        await apps.approve(
            conn,
            new_id=api.deps.entropy.uuid(),
            user_id=clinic.user_id,
            client_id=clinic.client_id,
            scope=("person:read",),
            now=api.clock.now(),
        )
        withdrawing = asyncio.create_task(ask(api, "DELETE", session, f"/{clinic.app_id}"))
        await until_waiting(api.deps)

    assert (await withdrawing)[0] == 204
    assert await live_tokens(api, clinic.user_id) == ["access_token"]
