"""PUT, GET and DELETE /facts/{kind}/{id} on the internal listener."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.integration.abac_api.conftest import Api

Answered = tuple[int, dict[str, Any]]

IDS = {name: str(uuid4()) for name in ("user", "clinic", "patient", "employee", "other")}
JOB = {"user_id": IDS["user"], "legal_entity_id": IDS["clinic"], "is_active": True}
GRANT = {"type": "episode_of_care", "id": IDS["other"]}
BODIES: dict[str, dict[str, Any]] = {
    "employee": JOB,
    "declaration": {
        "patient_id": IDS["patient"],
        "employee_id": IDS["employee"],
        "legal_entity_id": IDS["clinic"],
        "active_from": "2026-01-01T00:00:00+02:00",
        "active_to": None,
    },
    "approval": {
        "patient_id": IDS["patient"],
        "granted_to_employee_id": IDS["employee"],
        "resources": [GRANT],
        "access_level": "read",
        "status": "active",
        "expires_at": "2027-01-01T00:00:00Z",
    },
    "resource": {
        "type": "encounter",
        "patient_id": IDS["patient"],
        "episode_id": IDS["other"],
    },
    "merged_person": {
        "master_person_id": IDS["patient"],
        "merged_person_id": IDS["other"],
    },
    "justification": {
        "user_id": IDS["user"],
        "patient_id": IDS["patient"],
        "active_from": "2026-01-01T00:00:00Z",
    },
}


async def put(api: Api, kind: str, thing: object, body: Any) -> Answered:
    response = await api.internal.put(f"/facts/{kind}/{thing}", json=body)
    return response.status, await response.json()


async def get(api: Api, kind: str, thing: object) -> Answered:
    response = await api.internal.get(f"/facts/{kind}/{thing}")
    return response.status, await response.json()


async def delete(api: Api, kind: str, thing: object, **query: str) -> int:
    response = await api.internal.delete(f"/facts/{kind}/{thing}", params=query)
    return response.status


def entries(body: dict[str, Any]) -> list[tuple[str, str]]:
    return [(item["entry"], item["rules"][0]["rule"]) for item in body["error"]["invalid"]]


@pytest.mark.parametrize("kind", BODIES)
async def test_a_fact_that_was_put_can_be_got(api: Api, kind: str) -> None:
    thing = uuid4()

    status, answer = await put(api, kind, thing, BODIES[kind])

    assert status == 200
    assert answer["data"]["at"] == api.clock.now().isoformat()
    held = (await get(api, kind, thing))[1]["data"]
    assert held == answer["data"]
    assert held["fact"]["id"] == str(thing)
    said = {name: held["fact"][name] for name in BODIES[kind]}
    in_utc = {
        "2026-01-01T00:00:00+02:00": "2025-12-31T22:00:00+00:00",
        "2026-01-01T00:00:00Z": "2026-01-01T00:00:00+00:00",
        "2027-01-01T00:00:00Z": "2027-01-01T00:00:00+00:00",
    }
    assert said == {
        name: [{**GRANT, "type": "episode"}]  # under its one name
        if name == "resources"
        else in_utc.get(str(value), value)
        for name, value in BODIES[kind].items()
    }


@pytest.mark.parametrize(
    ("kind", "change", "wrong"),
    [
        ("employee", {"user_id": None, "is_active": "yes"}, ["user_id", "is_active"]),
        ("employee", {"legal_entity_id": "no-uuid"}, ["legal_entity_id"]),
        ("declaration", {"active_from": "2026-01-01"}, ["active_from"]),
        ("declaration", {"active_from": "0001-01-01T00:00:00+14:00"}, ["active_from"]),
        ("declaration", {"active_to": 7}, ["active_to"]),
        ("approval", {"status": "ACTIVE", "access_level": ""}, ["access_level", "status"]),
        ("approval", {"resources": [GRANT, {"type": "x"}]}, ["resources[1].id"]),
        ("approval", {"resources": [{**GRANT, "type": "A b"}]}, ["resources[0].type"]),
        ("approval", {"resources": "all"}, ["resources"]),
        ("approval", {"resources": [GRANT] * 501}, ["resources"]),
        ("resource", {"type": "x" * 65, "episode_id": []}, ["type", "episode_id"]),
        ("merged_person", {"master_person_id": {}}, ["master_person_id"]),
        ("justification", {"patient_id": 1, "at": "now"}, ["at", "patient_id"]),
    ],
)
async def test_a_bad_body_is_refused_with_every_offending_field(
    api: Api, kind: str, change: dict[str, Any], wrong: list[str]
) -> None:
    status, answer = await put(api, kind, uuid4(), {**BODIES[kind], **change})

    assert status == 422
    assert [entry for entry, _ in entries(answer)] == [f"$.{name}" for name in wrong]


@pytest.mark.parametrize("grantees", [0, 2])
async def test_an_approval_has_one_grantee(api: Api, grantees: int) -> None:
    both = {
        "granted_to_employee_id": IDS["employee"],
        "granted_to_legal_entity_id": IDS["clinic"],
    }
    body = {**BODIES["approval"], **(both if grantees else dict.fromkeys(both))}

    status, answer = await put(api, "approval", uuid4(), body)

    assert (status, entries(answer)) == (422, [("$", "required")])


@pytest.mark.parametrize("body", ["", "{", "[]", '{"user_id": "\\u0000"}'])
async def test_what_is_no_json_object_is_malformed(api: Api, body: str) -> None:
    response = await api.internal.put(
        f"/facts/employee/{uuid4()}",
        data=body.encode(),
        headers={"Content-Type": "application/json"},
    )

    assert response.status == 400


@pytest.mark.parametrize("method", ["PUT", "GET", "DELETE"])
async def test_an_unknown_kind_is_not_found_and_an_id_is_a_uuid(
    api: Api, method: str
) -> None:
    for path, status in ((f"secret/{uuid4()}", 404), ("employee/7", 400)):
        response = await api.internal.request(method, f"/facts/{path}", json=JOB)
        assert response.status == status


async def test_an_older_fact_is_a_conflict_and_changes_nothing(api: Api) -> None:
    thing = uuid4()
    older = (api.clock.now() - timedelta(seconds=1)).isoformat()
    await put(api, "employee", thing, JOB)

    status, answer = await put(
        api, "employee", thing, {**JOB, "is_active": False, "at": older}
    )

    assert status == 409
    assert answer["error"]["message"] == "A newer fact is known."
    assert await delete(api, "employee", thing, at=older) == 409
    assert (await get(api, "employee", thing))[1]["data"]["fact"]["is_active"] is True


async def test_a_request_may_be_repeated(api: Api) -> None:
    thing = uuid4()
    body = {**JOB, "at": api.clock.now().isoformat()}

    answers = [await put(api, "employee", thing, body) for _ in range(2)]

    assert [status for status, _ in answers] == [200, 200]
    assert answers[0][1]["data"] == answers[1][1]["data"]
    assert [await delete(api, "employee", thing) for _ in range(2)] == [204, 204]


async def test_a_withdrawn_fact_is_gone_and_an_older_one_cannot_revive_it(
    api: Api,
) -> None:
    thing = uuid4()
    body = {**JOB, "at": (api.clock.now() - timedelta(seconds=1)).isoformat()}
    await put(api, "employee", thing, body)

    assert await delete(api, "employee", thing) == 204

    assert (await get(api, "employee", thing))[0] == 404
    assert (await put(api, "employee", thing, body))[0] == 409
    assert (await get(api, "employee", thing))[0] == 404


async def test_what_is_not_known_is_not_found(api: Api) -> None:
    assert (await get(api, "employee", uuid4()))[0] == 404


async def test_a_fact_from_the_future_is_refused(api: Api) -> None:
    thing: UUID = uuid4()
    late = (api.clock.now() + timedelta(hours=1, seconds=1)).isoformat()

    status, answer = await put(api, "employee", thing, {**JOB, "at": late})

    assert (status, entries(answer)) == (422, [("$.at", "time")])
    assert await delete(api, "employee", thing, at=late) == 422
    assert await delete(api, "employee", thing, at="tomorrow") == 422


@pytest.mark.parametrize("method", ["PUT", "GET", "DELETE"])
@pytest.mark.parametrize("header", [None, "Bearer wrong", "Basic c2VydmljZQ=="])
async def test_only_the_platform_may_call(
    api: Api, method: str, header: str | None
) -> None:
    response = await api.internal.request(
        method,
        f"/facts/employee/{uuid4()}",
        json=JOB,
        headers={"Authorization": header or ""},
    )

    assert response.status == 401


async def test_the_public_listener_has_no_facts(api: Api) -> None:
    response = await api.public.get(f"/facts/employee/{uuid4()}")

    assert response.status == 404
