"""/admin/client_types and /admin/roles: one shape, held to for both (spec §1.4)."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import func, select

from services.mithril_api.actions.add_scope_limit import add_scope_limit
from services.mithril_api.domain.refusals import Clash
from services.mithril_api.domain.scope_limits import Kind, ScopeLimit
from services.mithril_api.store import scope_limits
from shared.models.schema import mithril as tables
from tests.builders import a_world
from tests.integration.mithril_api.administering import (
    MALFORMED,
    NOBODY,
    NOT_FOUND,
    ask,
    conflict,
    refused,
    unfit,
    validation,
)
from tests.integration.mithril_api.asking import events_of
from tests.integration.mithril_api.conftest import Api
from tests.races import until_waiting

BLANK_NAME = unfit("name", "required", "can't be blank")
BLANK_SCOPE = unfit("scope", "required", "can't be blank")
TAKEN = validation(unfit("name", None, "has already been taken"))
EVENTS = {
    Kind.CLIENT_TYPE: ("mithril.client-type.changed.v1", "client_type_id"),
    Kind.ROLE: ("mithril.role.changed.v1", "role_id"),
}

both = pytest.mark.parametrize("kind", list(Kind))


async def made(
    api: Api, kind: Kind, name: str = "NURSE", scope: str = "person:read"
) -> str:
    body = {kind.value: {"name": name, "scope": scope}}
    status, answer = await ask(api, "POST", f"/{kind}s", body)
    assert status == 201, answer
    return str(answer["data"]["id"])


async def names(api: Api, kind: Kind, **query: str) -> list[str]:
    status, body = await ask(api, "GET", f"/{kind}s", query=query)
    assert status == 200
    return [item["name"] for item in body["data"]]


def event(kind: Kind, limit_id: str, name: str, scope: list[str], change: str) -> Any:
    event_type, key = EVENTS[kind]
    return event_type, {key: limit_id, "name": name, "scope": scope, "change": change}


@both
async def test_a_new_one_is_answered_whole_with_its_address(api: Api, kind: Kind) -> None:
    body = {"name": "NURSE", "scope": "person:read  person:read episode:read"}

    response = await api.internal.post(f"/admin/{kind}s", json={kind.value: body})

    data = (await response.json())["data"]
    assert response.status == 201
    assert data == {
        "id": data["id"],
        "name": "NURSE",
        "scope": "person:read episode:read",
    }
    assert response.headers["Location"] == f"/admin/{kind}s/{data['id']}"
    status, answer = await ask(api, "GET", f"/{kind}s/{data['id']}")
    assert (status, answer["data"]) == (200, data)


@both
@pytest.mark.parametrize(
    ("body", "invalid"),
    [
        pytest.param({}, [BLANK_NAME, BLANK_SCOPE], id="nothing"),
        pytest.param({"name": "", "scope": "  "}, [BLANK_NAME, BLANK_SCOPE], id="blank"),
        pytest.param(
            {"name": 7, "scope": ["a"]},
            [
                unfit("name", "cast", "is invalid", ("string",)),
                unfit("scope", "cast", "is invalid", ("string",)),
            ],
            id="wrong types",
        ),
        pytest.param(
            {"name": "n" * 256, "scope": "s" * 8193},
            [
                unfit("name", "length", "should be at most 255 character(s)", {"max": 255}),
                unfit(
                    "scope", "length", "should be at most 8192 character(s)", {"max": 8192}
                ),
            ],
            id="too long",
        ),
    ],
)
async def test_an_unfit_body_is_refused_with_every_field_named(
    api: Api, kind: Kind, body: dict[str, Any], invalid: list[dict[str, Any]]
) -> None:
    asked = {kind.value: body}

    assert await refused(api, "POST", f"/{kind}s", asked) == validation(*invalid)


@both
async def test_a_body_without_its_wrapper_is_malformed(api: Api, kind: Kind) -> None:
    limit_id = await made(api, kind)
    body = {"name": "NURSE", "scope": "person:read"}

    assert await refused(api, "POST", f"/{kind}s", body) == MALFORMED
    assert await refused(api, "PUT", f"/{kind}s/{limit_id}", body) == MALFORMED


@both
async def test_a_name_is_taken_once(api: Api, kind: Kind) -> None:
    await made(api, kind)
    other = await made(api, kind, name="MIDWIFE")
    body = {kind.value: {"name": "NURSE", "scope": "x:y"}}

    assert await refused(api, "POST", f"/{kind}s", body) == TAKEN
    assert await refused(api, "PATCH", f"/{kind}s/{other}", body) == TAKEN


async def test_of_two_with_one_name_at_once_the_database_lets_one_in(api: Api) -> None:
    first = ScopeLimit(id=api.deps.entropy.uuid(), name="NURSE", scope=("a:b",))
    async with api.deps.db.begin() as conn:
        await scope_limits.add(conn, Kind.ROLE, first, at=api.clock.now())
        second = asyncio.create_task(
            add_scope_limit(api.deps, Kind.ROLE, name="NURSE", scope=("c:d",))
        )
        await until_waiting(api.deps)

    assert await second == Clash("name", taken=True)
    assert await names(api, Kind.ROLE, name="NURSE") == ["NURSE"]


@both
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_a_change_leaves_alone_what_it_does_not_name(
    api: Api, kind: Kind, method: str
) -> None:
    limit_id = await made(api, kind)

    status, answer = await ask(
        api, method, f"/{kind}s/{limit_id}", {kind.value: {"scope": "episode:read"}}
    )

    expected = {"id": limit_id, "name": "NURSE", "scope": "episode:read"}
    assert (status, answer["data"]) == (200, expected)


@both
async def test_a_change_may_not_blank_a_field(api: Api, kind: Kind) -> None:
    limit_id = await made(api, kind)
    body = {kind.value: {"name": None, "scope": ""}}

    answered = await refused(api, "PUT", f"/{kind}s/{limit_id}", body)

    assert answered == validation(BLANK_NAME, BLANK_SCOPE)


@both
async def test_each_change_is_told(api: Api, kind: Kind) -> None:
    limit_id = await made(api, kind)
    path = f"/{kind}s/{limit_id}"
    await ask(api, "PUT", path, {kind.value: {"name": "MIDWIFE", "scope": "a:b c:d"}})
    await ask(api, "DELETE", path)

    assert await events_of(api) == [
        event(kind, limit_id, "NURSE", ["person:read"], "created"),
        event(kind, limit_id, "MIDWIFE", ["a:b", "c:d"], "updated"),
        event(kind, limit_id, "MIDWIFE", ["a:b", "c:d"], "deleted"),
    ]


@both
async def test_a_refused_change_is_not_told(api: Api, kind: Kind) -> None:
    await ask(api, "POST", f"/{kind}s", {kind.value: {"name": "CABINET", "scope": "a:b"}})
    await ask(api, "PUT", f"/{kind}s/{NOBODY}", {kind.value: {"scope": "a:b"}})
    await ask(api, "DELETE", f"/{kind}s/{NOBODY}")

    assert await events_of(api) == []


@both
@pytest.mark.parametrize(
    ("method", "body"), [("GET", None), ("PUT", {}), ("PATCH", {}), ("DELETE", None)]
)
async def test_an_id_that_is_unknown_or_no_uuid(
    api: Api, kind: Kind, method: str, body: dict[str, Any] | None
) -> None:
    wrapped = None if body is None else {kind.value: {"name": "X"}}

    for unknown, answer in ((NOBODY, NOT_FOUND), ("42", MALFORMED)):
        path = f"/{kind}s/{unknown}"
        assert await refused(api, method, path, wrapped) == answer


async def test_a_deleted_role_is_taken_from_its_users(api: Api) -> None:
    world = await a_world(api.deps)

    status, _ = await ask(api, "DELETE", f"/roles/{world.role_id}")

    async with api.deps.db.read() as conn:
        query = select(func.count()).select_from(tables.user_roles)
        assert (status, (await conn.execute(query)).scalar_one()) == (204, 0)


async def test_a_client_type_that_clients_have_stays(api: Api) -> None:
    world = await a_world(api.deps)
    path = f"/client_types/{world.client_type_id}"

    assert await refused(api, "DELETE", path) == conflict("client type has clients")
    assert (await ask(api, "GET", path))[0] == 200


@both
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"name": "NURSE"}, ["NURSE"]),
        ({"name": "NUR"}, []),
        ({"scope": "t:one"}, ["NURSE"]),
        ({"scope": "t:one,t:two"}, ["NURSE", "MIDWIFE"]),
        ({"scope": "t:none"}, []),
        ({"name": "MIDWIFE", "scope": "t:one"}, []),
    ],
)
async def test_a_list_is_filtered_by_whole_name_and_by_any_scope(
    api: Api, kind: Kind, query: dict[str, str], expected: list[str]
) -> None:
    await made(api, kind, name="NURSE", scope="t:one t:shared")
    await made(api, kind, name="MIDWIFE", scope="t:two t:shared")

    assert await names(api, kind, **query) == expected


@both
async def test_pages_hold_everything_once_in_a_stable_order(api: Api, kind: Kind) -> None:
    for number in range(5):
        await made(api, kind, name=f"N{number}", scope="t:paged")

    pages = [
        await ask(
            api,
            "GET",
            f"/{kind}s",
            query={"scope": "t:paged", "page": str(page), "page_size": "2"},
        )
        for page in (1, 2, 3, 4)
    ]

    assert [[item["name"] for item in body["data"]] for _, body in pages] == [
        ["N0", "N1"],
        ["N2", "N3"],
        ["N4"],
        [],
    ]
    assert [body["paging"] for _, body in pages] == [
        {"page_number": page, "page_size": 2, "total_entries": 5, "total_pages": 3}
        for page in (1, 2, 3, 4)
    ]


@pytest.mark.parametrize(
    ("query", "number", "size"),
    [
        ({}, 1, 50),
        ({"page": "0", "page_size": "0"}, 1, 50),
        ({"page": "-1", "page_size": "-1"}, 1, 50),
        ({"page": "two", "page_size": "ten"}, 1, 50),
        ({"page": "99999999999999999999", "page_size": "51"}, 1, 50),
        ({"page": "999999999", "page_size": "3"}, 999_999_999, 3),
        ({"page": "", "page_size": "1"}, 1, 1),
    ],
)
async def test_what_is_no_page_is_the_first_of_fifty(
    api: Api, query: dict[str, str], number: int, size: int
) -> None:
    status, body = await ask(api, "GET", "/roles", query=query)

    paging = body["paging"]
    assert (status, paging["page_number"], paging["page_size"]) == (200, number, size)
