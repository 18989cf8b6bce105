"""POST /api/authorize: what is asked, answered and refused (spec §9.3)."""

from typing import Any

import pytest

from tests.integration.abac_api.asking import (
    CLIENT,
    PATIENT,
    RECORD,
    USER,
    a_body,
    declare,
    records,
)
from tests.integration.abac_api.conftest import Api


@pytest.mark.parametrize("path", ["/api/authorize", "/api/abac/authorize"])
async def test_a_doctor_with_a_declaration_is_permitted_by_rule_1(
    api: Api, path: str
) -> None:
    await declare(api)

    response = await api.public.post(path, json=a_body())

    assert response.status == 200
    [record] = await records(api)
    assert (await response.json())["data"] == {
        "result": True,
        "decision": True,
        "rules": ["rule_1"],
        "policy_version": api.deps.policies.version,
        "decision_id": record["decision_id"],
    }


async def test_the_record_says_all_of_the_question_and_of_the_answer(api: Api) -> None:
    await declare(api)

    response = await api.public.post(
        "/api/authorize", json=a_body(), headers={"X-Request-ID": "asked-1"}
    )

    data = (await response.json())["data"]
    assert await records(api) == [
        {
            "decision_id": data["decision_id"],
            "consumer": {
                "user_id": str(USER),
                "client_id": str(CLIENT),
                "client_type": "MSP",
                "mis_client_id": None,
                "person_id": None,
            },
            "resource": {"type": "encounter", "action": "read", "id": str(RECORD)},
            "contexts": [{"type": "patient", "id": str(PATIENT)}],
            "patient_id": str(PATIENT),
            "result": True,
            "rules": ["rule_1"],
            "reason": None,
            "policy_version": api.deps.policies.version,
            "request_id": "asked-1",
            "decided_at": api.clock.now().isoformat(),
        }
    ]


@pytest.mark.parametrize(
    ("but", "reason"),
    [
        ({}, "no_rule_matched"),
        ({"resource": {"type": "specimen", "action": "read"}}, "unknown_resource_type"),
        ({"contexts": [{"type": "weather", "id": str(PATIENT)}]}, "malformed_context"),
        (
            {
                "contexts": [
                    {"type": "patient", "id": str(PATIENT)},
                    {"type": "patient", "id": str(USER)},
                ]
            },
            "malformed_context",
        ),
    ],
)
async def test_every_refusal_is_recorded_with_its_reason(
    api: Api, but: dict[str, Any], reason: str
) -> None:
    response = await api.public.post("/api/authorize", json=a_body(**but))

    data = (await response.json())["data"]
    assert (response.status, data["result"], data["decision"]) == (200, False, False)
    assert data["reason"] == reason
    [record] = await records(api)
    assert (record["result"], record["rules"], record["reason"]) == (False, [], reason)
    assert record["decision_id"] == data["decision_id"]


_CONSUMER = {"user_id": str(USER), "client_id": str(CLIENT)}


@pytest.mark.parametrize(
    ("body", "entries"),
    [
        ({}, {"$.consumer": "required", "$.resource": "required"}),
        (a_body(consumer=_CONSUMER, extra=1), {"$.extra": "schema"}),
        (
            a_body(consumer={**_CONSUMER, "name": "x", "user_id": "nobody"}),
            {"$.consumer.name": "schema", "$.consumer.user_id": "cast"},
        ),
        (a_body(consumer={"user_id": str(USER)}), {"$.consumer.client_id": "required"}),
        (a_body(consumer=[]), {"$.consumer": "cast"}),
        (
            a_body(resource={"type": "encounter", "action": "peek"}),
            {"$.resource.action": "inclusion"},
        ),
        (
            a_body(resource={"type": "encounter", "action": "read", "id": ""}),
            {"$.resource.id": "cast"},
        ),
        (
            a_body(resource={"type": "encounter", "action": "read", "id": None}),
            {"$.resource.id": "cast"},
        ),
        (
            a_body(resource={"type": "", "action": "read"}),
            {"$.resource.type": "length"},
        ),
        (a_body(contexts=[{"type": "patient"}]), {"$.contexts[0].id": "required"}),
        (
            a_body(
                contexts=[{"type": "patient", "id": str(PATIENT)}, {"type": 1, "id": 2}]
            ),
            {"$.contexts[1].type": "cast", "$.contexts[1].id": "cast"},
        ),
        (a_body(contexts={"type": "patient"}), {"$.contexts": "cast"}),
    ],
)
async def test_a_malformed_body_has_every_offending_field_named(
    api: Api, body: dict[str, Any], entries: dict[str, str]
) -> None:
    response = await api.public.post("/api/authorize", json=body)

    assert response.status == 422
    invalid = (await response.json())["error"]["invalid"]
    assert {item["entry"]: item["rules"][0]["rule"] for item in invalid} == entries
    assert await records(api) == []


async def test_contexts_may_be_left_out(api: Api) -> None:
    body = a_body()
    del body["contexts"]

    response = await api.public.post("/api/authorize", json=body)

    assert (await response.json())["data"]["reason"] == "no_rule_matched"


@pytest.mark.parametrize("header", [None, "Bearer of-nobody", "Basic eA=="])
async def test_only_the_platform_may_ask(api: Api, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    api.public.session.headers.clear()

    response = await api.public.post("/api/authorize", json=a_body(), headers=headers)

    assert response.status == 401
    assert await records(api) == []


async def test_decisions_are_counted_by_result_rule_and_reason(api: Api) -> None:
    await api.public.post("/api/authorize", json=a_body())
    await declare(api)
    await api.public.post("/api/authorize", json=a_body())

    counted = api.built.registry.get_sample_value
    name = "mithril_abac_decisions_total"
    assert counted(name, {"result": "permit", "rule": "rule_1", "reason": ""}) == 1
    assert counted(name, {"result": "deny", "rule": "", "reason": "no_rule_matched"}) == 1
