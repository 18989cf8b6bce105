"""Decisions when something is away: a refusal, and never one that leaves no mark unsaid (D10)."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestClient, TestServer

from services.abac_api.app import Built, build
from tests.integration.abac_api.asking import a_body, an_evaluation, declare, records
from tests.integration.abac_api.conftest import SERVICE_TOKEN, Api, settings_for

NOWHERE = "postgresql://postgres@127.0.0.1:1/abac"
BEARER = {"Authorization": f"Bearer {SERVICE_TOKEN}"}


@pytest.fixture
async def stranded() -> AsyncIterator[Built]:
    """Give the service without its database."""
    built = build(settings_for(NOWHERE))
    yield built
    await built.deps.db.dispose()


async def test_without_its_database_the_service_refuses_and_says_so_twice(
    stranded: Built,
) -> None:
    async with TestClient(TestServer(stranded.public), headers=BEARER) as public:
        response = await public.post("/api/authorize", json=a_body())
        body = await response.json()

    assert response.status == 503
    assert response.headers["Retry-After"] == "1"
    assert body["decision"] is False
    assert body["data"] == {"result": False, "decision": False}
    assert body["error"]["type"] == "service_unavailable"
    name = "mithril_abac_refusals_unrecorded_total"
    assert stranded.registry.get_sample_value(name) == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/access/v1/evaluation", an_evaluation()),
        ("/access/v1/evaluations", an_evaluation(evaluations=[{}, {}])),
    ],
)
async def test_without_its_database_authzen_has_a_refusal_too(
    stranded: Built, path: str, body: dict[str, object]
) -> None:
    async with TestClient(TestServer(stranded.public), headers=BEARER) as public:
        response = await public.post(path, json=body)
        answer = await response.json()

    assert (response.status, answer["decision"]) == (503, False)
    assert answer["context"]["error"]["status"] == 503


async def test_facts_that_cannot_be_read_are_a_refusal_on_record(api: Api) -> None:
    await declare(api)
    async with api.deps.db.begin() as conn:
        await conn.exec_driver_sql("ALTER TABLE declarations RENAME TO mislaid")

    response = await api.public.post("/api/authorize", json=a_body())

    data = (await response.json())["data"]
    assert (response.status, data["result"]) == (200, False)
    assert data["reason"] == "facts_unavailable"
    [record] = await records(api)
    assert (record["result"], record["reason"]) == (False, "facts_unavailable")


async def test_a_whole_batch_without_facts_is_refused_and_recorded_item_by_item(
    api: Api,
) -> None:
    async with api.deps.db.begin() as conn:
        await conn.exec_driver_sql("ALTER TABLE approvals RENAME TO mislaid")

    responses = await asyncio.gather(
        *(api.public.post("/api/authorize", json=a_body()) for _ in range(20))
    )

    answers = [(await response.json())["data"]["reason"] for response in responses]
    assert answers == ["facts_unavailable"] * 20
    assert len(await records(api)) == 20


async def test_what_cannot_be_recorded_is_not_answered(api: Api) -> None:
    await declare(api)
    async with api.deps.db.begin() as conn:
        await conn.exec_driver_sql("ALTER TABLE outbox RENAME TO mislaid")

    response = await api.public.post("/api/authorize", json=a_body())

    assert response.status == 500
    assert "data" not in await response.json()


async def test_questions_that_come_together_are_answered_by_few_statements_and_all_recorded(
    api: Api,
) -> None:
    await declare(api)
    bodies = [
        a_body(contexts=a_body()["contexts"] if number % 2 else []) for number in range(100)
    ]

    responses = await asyncio.gather(
        *(api.public.post("/api/authorize", json=body) for body in bodies)
    )

    answers = [(await response.json())["data"] for response in responses]
    assert [answer["result"] for answer in answers] == [False, True] * 50
    recorded = {item["decision_id"]: item["result"] for item in await records(api)}
    assert recorded == {answer["decision_id"]: answer["result"] for answer in answers}
    batches = api.built.registry.get_sample_value(
        "mithril_abac_batch_size_count", {"operation": "decide"}
    )
    assert batches is not None
    assert batches < 100


async def test_a_right_that_ends_between_two_questions_permits_the_first_alone(
    api: Api,
) -> None:
    await declare(api)
    first = await api.public.post("/api/authorize", json=a_body())
    async with api.deps.db.begin() as conn:
        await conn.exec_driver_sql(
            "UPDATE declarations SET active_to = $1", (api.clock.now(),)
        )

    second = await api.public.post("/api/authorize", json=a_body())

    assert [
        (await response.json())["data"]["decision"] for response in (first, second)
    ] == [True, False]
