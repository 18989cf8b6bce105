"""AuthZEN 1.0: evaluation, evaluations, discovery; answers outside of the eHealth envelope."""

from typing import Any
from uuid import UUID

import orjson
import pytest

from tests.integration.abac_api.asking import (
    PATIENT,
    RECORD,
    USER,
    an_evaluation,
    declare,
    records,
)
from tests.integration.abac_api.conftest import Api

PERMIT = {"resource": {"type": "encounter", "id": str(RECORD)}}
DENY = {"resource": {"type": "composition", "id": str(RECORD)}}
BATCH = {key: an_evaluation()[key] for key in ("subject", "action", "context")}


async def test_an_evaluation_is_permitted_with_what_names_its_record(api: Api) -> None:
    await declare(api)

    response = await api.public.post(
        "/access/v1/evaluation", json=an_evaluation(), headers={"X-Request-ID": "pep-7"}
    )

    assert response.headers["X-Request-ID"] == "pep-7"
    assert response.content_type == "application/json"
    [record] = await records(api)
    assert (response.status, await response.json()) == (
        200,
        {
            "decision": True,
            "context": {
                "rules": ["rule_1"],
                "policy_version": api.deps.policies.version,
                "decision_id": record["decision_id"],
            },
        },
    )
    assert record["request_id"] == "pep-7"
    assert record["contexts"] == [{"type": "patient", "id": str(PATIENT)}]


@pytest.mark.parametrize(
    "but",
    [
        {"context": {"contexts": [{"type": "patient", "id": str(PATIENT)}]}},
        {
            "context": {},
            "resource": {
                "type": "encounter",
                "id": str(RECORD),
                "properties": {"patient_id": str(PATIENT)},
            },
        },
        {"resource": {"type": "encounter", "id": "*"}},
        {"context": {"person_id": str(PATIENT), "time": "2026-11-24T12:00Z"}},
    ],
)
async def test_a_context_may_be_said_in_several_places(
    api: Api, but: dict[str, Any]
) -> None:
    await declare(api)

    response = await api.public.post("/access/v1/evaluation", json=an_evaluation(**but))

    assert (await response.json())["decision"] is True


_FOREIGN: dict[str, Any] = {
    "subject": {"type": "user", "id": "alice"},
    "action": {"name": "can_read"},
    "resource": {"type": "record", "id": "record-1"},
}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (_FOREIGN, "unknown_resource_type"),
        (an_evaluation(resource={"type": "encounter", "id": "7"}), "malformed_context"),
        (an_evaluation(subject={"type": "user", "id": str(USER)}), "malformed_context"),
        (an_evaluation(context={"patient_id": "x"}), "malformed_context"),
        (an_evaluation(context={"contexts": [1]}), "malformed_context"),
        (an_evaluation(context={"contexts": {}}), "malformed_context"),
        (an_evaluation(action={"name": "can_read"}), "no_rule_matched"),
    ],
)
async def test_what_cannot_be_ours_is_a_refusal_on_record(
    api: Api, body: dict[str, Any], reason: str
) -> None:
    await declare(api)

    response = await api.public.post("/access/v1/evaluation", json=body)

    answer = await response.json()
    assert (response.status, answer["decision"]) == (200, False)
    assert answer["context"]["reason"] == reason
    [record] = await records(api)
    assert (record["result"], record["reason"]) == (False, reason)


async def test_an_id_that_is_none_is_recorded_as_the_nil_uuid(api: Api) -> None:
    await api.public.post("/access/v1/evaluation", json=_FOREIGN)

    [record] = await records(api)
    assert record["consumer"]["user_id"] == str(UUID(int=0))
    assert record["resource"] == {
        "type": "record",
        "action": "can_read",
        "id": str(UUID(int=0)),
    }


def _without(part: str, key: str | None = None, **but: Any) -> bytes:
    body = {**_FOREIGN, part: {**_FOREIGN.get(part, {}), **but}}
    if key is None:
        body.pop(part)
    else:
        body[part] = {k: v for k, v in body[part].items() if k != key}
    return orjson.dumps(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        orjson.dumps({**_FOREIGN, "subject": "alice"}),
        orjson.dumps({**_FOREIGN, "context": 1}),
        *(_without(part) for part in ("subject", "action", "resource")),
        _without("subject", "id"),
        _without("subject", "type"),
        _without("action", "name"),
        _without("resource", "id"),
        _without("resource", "type"),
        _without("subject", "", id=1),
        _without("subject", "", id=""),
        _without("subject", "", properties=1),
        _without("resource", "", properties=[]),
        _without("action", "", properties="x"),
        _without("action", "", name="n" * 256),
    ],
)
@pytest.mark.parametrize("path", ["/access/v1/evaluation", "/access/v1/evaluations"])
async def test_what_is_no_request_of_authzen_is_400(
    api: Api, path: str, body: bytes
) -> None:
    response = await api.public.post(
        path, data=body, headers={"Content-Type": "application/json"}
    )

    answer = await response.json()
    assert (response.status, answer["decision"]) == (400, False)
    assert answer["context"]["error"]["status"] == 400
    assert await records(api) == []


@pytest.mark.parametrize(
    ("but", "status"),
    [
        ({"evaluations": {}}, 400),
        ({"evaluations": [1]}, 400),
        ({"evaluations": [{}] * 1001}, 400),
        ({"evaluations": [PERMIT], "options": []}, 400),
        ({"evaluations": [PERMIT], "options": {"evaluations_semantic": "all"}}, 400),
        ({"evaluations": [PERMIT], "options": {"evaluations_semantic": []}}, 400),
        ({"evaluations": [PERMIT], "options": {"other": 1}}, 200),
    ],
)
async def test_a_batch_has_a_shape(api: Api, but: dict[str, Any], status: int) -> None:
    response = await api.public.post("/access/v1/evaluations", json={**BATCH, **but})

    assert response.status == status


@pytest.mark.parametrize(
    ("semantic", "items", "decisions"),
    [
        (None, [PERMIT, DENY, PERMIT], [True, False, True]),
        ("execute_all", [DENY, PERMIT, DENY], [False, True, False]),
        ("deny_on_first_deny", [PERMIT, DENY, PERMIT], [True, False]),
        ("deny_on_first_deny", [PERMIT, PERMIT], [True, True]),
        ("permit_on_first_permit", [DENY, PERMIT, DENY], [False, True]),
        ("permit_on_first_permit", [DENY, DENY], [False, False]),
    ],
)
async def test_a_batch_goes_as_far_as_its_semantic_wants_and_no_record_further(
    api: Api,
    semantic: str | None,
    items: list[dict[str, Any]],
    decisions: list[bool],
) -> None:
    await declare(api)
    options = {} if semantic is None else {"evaluations_semantic": semantic}

    response = await api.public.post(
        "/access/v1/evaluations",
        json={**BATCH, "evaluations": items, "options": options},
    )

    answers = (await response.json())["evaluations"]
    assert [answer["decision"] for answer in answers] == decisions
    recorded = {item["decision_id"]: item["result"] for item in await records(api)}
    assert [recorded[answer["context"]["decision_id"]] for answer in answers] == decisions
    assert len(recorded) == len(decisions)


async def test_an_item_takes_its_own_part_before_the_default(api: Api) -> None:
    await declare(api)
    items = [PERMIT, {**PERMIT, "context": {}}, {**PERMIT, "action": {"name": "write"}}]

    response = await api.public.post(
        "/access/v1/evaluations", json={**BATCH, "evaluations": items}
    )

    answers = (await response.json())["evaluations"]
    assert [answer["decision"] for answer in answers] == [True, False, False]


async def test_an_item_without_a_part_is_refused_alone(api: Api) -> None:
    await declare(api)

    response = await api.public.post(
        "/access/v1/evaluations", json={**BATCH, "evaluations": [PERMIT, {}]}
    )

    answers = (await response.json())["evaluations"]
    assert answers[0]["decision"] is True
    assert answers[1] == {
        "decision": False,
        "context": {"error": {"status": 400, "message": "`resource` must be an object"}},
    }


@pytest.mark.parametrize("but", [{}, {"evaluations": []}])
async def test_a_batch_without_items_is_one_evaluation(
    api: Api, but: dict[str, Any]
) -> None:
    await declare(api)

    response = await api.public.post(
        "/access/v1/evaluations", json={**an_evaluation(), **but}
    )

    assert (await response.json())["decision"] is True


async def test_the_configuration_names_the_endpoints_to_anybody(api: Api) -> None:
    api.public.session.headers.clear()

    response = await api.public.get(
        "/.well-known/authzen-configuration",
        headers={"Host": "pdp.example", "X-Forwarded-Proto": "https"},
    )

    assert await response.json() == {
        "policy_decision_point": "https://pdp.example",
        "access_evaluation_endpoint": "https://pdp.example/access/v1/evaluation",
        "access_evaluations_endpoint": "https://pdp.example/access/v1/evaluations",
    }


async def test_a_stranger_gets_401_that_reads_as_a_refusal(api: Api) -> None:
    api.public.session.headers.clear()

    response = await api.public.post("/access/v1/evaluation", json=an_evaluation())

    assert response.status == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert (await response.json())["decision"] is False
