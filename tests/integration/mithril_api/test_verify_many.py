"""POST /admin/tokens/verify: to each token what it would have been told alone."""

from typing import Any

import pytest

from shared.models.tokens import TokenName
from tests.builders import World, a_token, a_world, store
from tests.integration.mithril_api.conftest import Api

PATH = "/admin/tokens/verify"


async def an_access_token(api: Api, world: World) -> str:
    made = a_token(api.deps, TokenName.ACCESS, world.user_id, world.client_id)
    await store(api.deps, made)
    return made.value


async def alone(api: Api, value: str, api_key: str | None = None) -> dict[str, Any]:
    headers = {} if api_key is None else {"api-key": api_key}
    answer = await api.internal.get(f"/admin/tokens/{value}/verify", headers=headers)
    body = await answer.json()
    if answer.status != 200:
        return {"status": answer.status, "error": body["error"]}
    del body["data"]["value"]
    return {"status": 200, "data": body["data"], "urgent": body["urgent"]}


async def test_each_token_is_told_what_it_would_be_told_alone(api: Api) -> None:
    world = await a_world(api.deps)
    mis = await a_world(
        api.deps, priv_settings={"access_type": "DIRECT", "broker_scope": "person:read"}
    )
    through = await a_world(api.deps, priv_settings={"access_type": "BROKER"})
    asked: list[dict[str, Any]] = [
        {"value": await an_access_token(api, world)},
        {"value": "x" * 32},
        {"value": world.refresh.value, "api_key": None},
        {"value": await an_access_token(api, through), "api_key": mis.client_secret},
        {"value": await an_access_token(api, through)},
    ]
    answer = await api.internal.post(PATH, json={"tokens": asked})
    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "no-store"
    told = (await answer.json())["data"]
    assert told == [
        await alone(api, str(item["value"]), item.get("api_key")) for item in asked
    ]
    assert [item["status"] for item in told] == [200, 404, 404, 200, 422]
    assert told[3]["data"]["details"]["broker_scope"] == "person:read"


async def test_only_the_platform_may_ask(api: Api) -> None:
    answer = await api.internal.post(
        PATH, json={"tokens": [{"value": "x"}]}, headers={"Authorization": "Bearer x"}
    )
    assert answer.status == 401


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"tokens": []},
        {"tokens": "x"},
        {"tokens": [{}]},
        {"tokens": [{"value": 1}]},
        {"tokens": [{"value": "x"}] * 65},
    ],
)
async def test_what_is_no_list_of_tokens_is_refused(api: Api, body: dict[str, Any]) -> None:
    answer = await api.internal.post(PATH, json=body)
    assert answer.status == 422
    assert (await answer.json())["error"]["type"] == "validation_failed"
