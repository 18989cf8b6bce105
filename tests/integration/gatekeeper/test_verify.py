"""/verify, row by row of the contract (spec §7.2)."""

import json
from typing import Any

import pytest
from aiohttp import ClientResponse, web

from tests.integration.gatekeeper.conftest import Gate, MakeGate
from tests.integration.gatekeeper.platform import Platform, a_token, away, only
from tests.integration.gatekeeper.values import CLIENT, EPISODE, MIS, PATIENT, PERSON, USER

CONSUMER = ("X-Consumer-Id", "X-Person-Id", "X-Consumer-Scope", "X-Consumer-Metadata")
EPISODES = f"/api/patients/{PATIENT}/episodes/{EPISODE}"


async def refused(answer: ClientResponse, status: int) -> str:
    """The text of a refusal of this status, which tells nothing of a consumer."""
    assert answer.status == status
    assert not set(CONSUMER) & set(answer.headers)
    body = await answer.json()
    assert body["meta"]["code"] == status
    text = body["error"]["message"]
    assert isinstance(text, str)
    return text


async def test_whoever_may_is_let_through_and_told_of_in_four_headers(gate: Gate) -> None:
    answer = await gate.verify("/api/persons?page=1")
    assert answer.status == 200
    assert await answer.read() == b""
    assert {name: answer.headers[name] for name in CONSUMER[:3]} == {
        "X-Consumer-Id": str(USER),
        "X-Person-Id": "",
        "X-Consumer-Scope": "episode:read person:read",
    }
    assert json.loads(answer.headers["X-Consumer-Metadata"]) == {
        "client_id": str(CLIENT),
        "client_type": "MSP",
        "scope": "episode:read person:read",
    }


async def test_no_secret_of_the_tokens_details_is_passed_on(
    gate: Gate, platform: Platform
) -> None:
    platform.tokens["good"] = a_token(details={"refresh_token": "s3cret", "x": "s3cret"})
    answer = await gate.verify("/api/persons")
    assert answer.status == 200
    assert "s3cret" not in str(answer.headers)


async def test_request_id_and_api_key_go_on_to_mithril_api(
    gate: Gate, platform: Platform
) -> None:
    answer = await gate.verify("/api/persons", X_Request_ID="r-1", api_key="key-1")
    assert answer.headers["X-Request-ID"] == "r-1"
    [request] = platform.requests
    assert request.headers["X-Request-ID"] == "r-1"
    assert request.headers["api-key"] == "key-1"


@pytest.mark.parametrize("value", [None, "Basic abc", "Bearer", "Bearer  ", "good"])
async def test_without_a_bearer_token_nobody_is_asked(
    gate: Gate, platform: Platform, value: str | None
) -> None:
    answer = await gate.verify("/api/persons", token=None, Authorization=value)
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    text = "Authorization header is not set or doesn't contain Bearer token"
    assert await refused(answer, 401) == text
    assert platform.asked == []


async def test_two_bearer_tokens_are_none(gate: Gate) -> None:
    headers = [
        ("X-Original-URI", "/api/persons"),
        ("X-Original-Method", "GET"),
        ("Authorization", "Bearer good"),
        ("Authorization", "Bearer other"),
    ]
    answer = await gate.public.get("/verify", headers=headers)
    assert (await refused(answer, 401)).startswith("Authorization header is not set")


@pytest.mark.parametrize("token", ["unknown", "..", "a b", "a/../b", "é"])
async def test_a_token_that_is_none_is_refused(gate: Gate, token: str) -> None:
    answer = await gate.verify("/api/persons", token=token)
    assert await refused(answer, 401) == "Invalid access token"


async def test_the_cookie_wins_over_the_header(gate: Gate, platform: Platform) -> None:
    answer = await gate.verify("/api/persons", token="unknown", Cookie="authorization=good")
    assert answer.status == 200
    answer = await gate.verify("/api/persons", Cookie="authorization=unknown")
    assert await refused(answer, 401) == "Invalid access token"


async def test_what_another_site_begins_does_not_change_anything_by_the_cookie(
    gate: Gate,
) -> None:
    async def by_cookie(method: str, site: str) -> int:
        answer = await gate.verify(
            "/api/persons",
            method=method,
            token=None,
            Cookie="authorization=good",
            Sec_Fetch_Site=site,
        )
        return answer.status

    assert await by_cookie("POST", "cross-site") == 401
    assert await by_cookie("POST", "same-origin") == 200
    assert await by_cookie("GET", "cross-site") == 200


async def test_the_cookie_can_be_turned_off(make_gate: MakeGate) -> None:
    gate = await make_gate(token_cookie="")
    answer = await gate.verify("/api/persons", token=None, Cookie="authorization=good")
    assert answer.status == 401


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/api/none", "GET"),
        ("/api/persons", "DELETE"),
        ("/api/persons/", "GET"),
        ("/api//persons", "GET"),
        ("/api/x/../persons", "GET"),
        ("/api/x/%2e%2e/persons", "GET"),
        ("/api%2fpersons", "GET"),
        ("/api/persons;x", "GET"),
        ("/api/\\persons", "GET"),
    ],
)
async def test_without_a_rule_nothing_is_let_through(
    gate: Gate, path: str, method: str
) -> None:
    answer = await gate.verify(path, method=method)
    text = f"ACL: No matching rule was found for path {path}"
    assert await refused(answer, 403) == text


async def test_missing_scopes_are_named(gate: Gate) -> None:
    text = "Your scope does not allow to access this resource. Missing allowances: "
    answer = await gate.verify("/api/episodes")
    assert await refused(answer, 403) == text + "episode:list, episode:write"


async def test_a_broker_narrows_what_the_token_may(gate: Gate, platform: Platform) -> None:
    platform.tokens["good"] = a_token(
        details={"broker_scope": "person:read other:read"},
        mis_client_id=str(MIS),
        api_key="of-mis",
    )
    assert (await gate.verify("/api/persons")).status == 401
    answer = await gate.verify("/api/persons", api_key="of-mis")
    assert answer.status == 200
    assert answer.headers["X-Consumer-Scope"] == "person:read"
    metadata = json.loads(answer.headers["X-Consumer-Metadata"])
    assert metadata["mis_client_id"] == str(MIS)
    assert metadata["broker_scope"] == "other:read person:read"
    answer = await gate.verify(EPISODES, api_key="of-mis")
    assert (await refused(answer, 403)).endswith("Missing allowances: episode:read")


async def test_abac_is_asked_who_wants_what_in_which_context(
    gate: Gate, platform: Platform
) -> None:
    platform.tokens["good"] = a_token(person_id=str(PERSON), mis_client_id=str(MIS))
    answer = await gate.verify(EPISODES, X_Request_ID="r-1")
    assert answer.status == 200
    assert platform.asked[-1] == (
        "/api/authorize",
        {
            "consumer": {
                "user_id": str(USER),
                "client_id": str(CLIENT),
                "client_type": "MSP",
                "mis_client_id": str(MIS),
                "person_id": str(PERSON),
            },
            "resource": {"type": "episode", "action": "read", "id": str(EPISODE)},
            "contexts": [{"type": "patient", "id": str(PATIENT)}],
        },
    )
    assert platform.requests[-1].headers["X-Request-ID"] == "r-1"


async def test_what_abac_refuses_is_denied(gate: Gate, platform: Platform) -> None:
    platform.permits = False
    assert await refused(await gate.verify(EPISODES), 403) == "Access denied"


@pytest.mark.parametrize(
    "path",
    [
        "/api/patients/1/episodes/2",
        f"/api/patients/{PATIENT}/episodes/2",
        "/api/approvals",
        "/api/approvals?id=",
        "/api/approvals?id=1",
        f"/api/approvals?id={EPISODE}&id={PATIENT}",
    ],
)
async def test_what_abac_cannot_be_asked_about_is_refused(
    gate: Gate, platform: Platform, path: str
) -> None:
    assert await refused(await gate.verify(path), 401) == "Abac rule was not found"
    assert platform.count("/api/authorize") == 0


async def test_abac_is_not_asked_without_the_scope(gate: Gate, platform: Platform) -> None:
    platform.tokens["good"] = a_token(details={"scope": "person:read"})
    assert (await gate.verify(EPISODES)).status == 403
    assert platform.count("/api/authorize") == 0


async def broken(_: web.Request) -> web.Response:
    return web.json_response({"data": {"result": True}}, status=500)


async def odd(_: web.Request) -> web.Response:
    return web.json_response({"data": {"result": "perhaps"}})


@pytest.mark.parametrize("fault", [away, broken, odd])
@pytest.mark.parametrize("path", ["/api/authorize", "/admin/tokens"])
async def test_no_answer_is_a_refusal(
    gate: Gate, platform: Platform, path: str, fault: Any
) -> None:
    platform.fault = only(path, fault)
    answer = await gate.verify(EPISODES)
    assert answer.headers["Retry-After"] == "1"
    text = "Service is temporarily unavailable. Try again later"
    assert await refused(answer, 503) == text


async def test_a_limit_of_a_rule_is_of_each_token(gate: Gate, platform: Platform) -> None:
    platform.tokens["other"] = a_token()
    answers = [await gate.verify("/api/limited") for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert [answer.headers["X-RateLimit-Remaining-minute"] for answer in answers] == [
        "1",
        "0",
        "0",
    ]
    assert answers[2].headers["X-RateLimit-Limit-minute"] == "2"
    assert 1 <= int(answers[2].headers["Retry-After"]) <= 60
    assert await refused(answers[2], 429) == "API rate limit exceeded"
    assert (await gate.verify("/api/limited", token="other")).status == 200
    assert (await gate.verify("/api/open")).status == 200


async def test_a_mis_may_come_with_its_key_alone(gate: Gate, platform: Platform) -> None:
    platform.keys["of-mis"] = MIS
    path = "/api/dictionaries"
    answer = await gate.verify(path, token=None, api_key="of-mis")
    assert answer.status == 200
    assert (answer.headers["X-Consumer-Id"], answer.headers["X-Person-Id"]) == ("", "")
    assert answer.headers["X-Consumer-Scope"] == "person:read"
    metadata = json.loads(answer.headers["X-Consumer-Metadata"])
    assert metadata["client_id"] == metadata["mis_client_id"] == str(MIS)

    assert await refused(await gate.verify(path), 401) == "Api key is not set"
    answer = await gate.verify(path, api_key="unknown")
    assert await refused(answer, 401) == "Invalid api key"
    answer = await gate.verify("/api/secrets", api_key="of-mis")
    assert (await refused(answer, 403)).endswith("Missing allowances: episode:read")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Original-URI": "/api/persons"},
        {"X-Forwarded-Uri": "/api/persons", "X-Forwarded-Method": "GET"},
    ],
)
async def test_a_proxy_that_does_not_say_what_it_asks_about_is_told(
    gate: Gate, headers: dict[str, str]
) -> None:
    answer = await gate.public.get("/verify", headers=headers)
    assert (await refused(answer, 400)).startswith("The proxy does not say")


async def test_a_refusal_is_about_the_original_and_fits_a_header(gate: Gate) -> None:
    answer = await gate.verify("/api/%D0%86/" + "x" * 2000, X_Request_ID="r-1")
    body = await answer.text()
    assert answer.headers["X-Refusal"] == body
    assert len(body) < 1500
    meta = json.loads(body)["meta"]
    assert "/api/%D0%86/xxx" in meta["url"]
    assert (meta["type"], meta["request_id"]) == ("object", "r-1")


async def test_bytes_that_are_no_text_are_answered_as_well(gate: Gate) -> None:
    headers = {"X-Original-URI": "/api/\udcff\udcfe", "X-Original-Method": "GET"}
    answer = await gate.public.get(
        "/verify", headers={**headers, "Authorization": "Bearer good"}
    )
    assert (await refused(answer, 403)).startswith("ACL: No matching rule")


async def test_traefik_is_asked_for_in_its_own_dialect(make_gate: MakeGate) -> None:
    gate = await make_gate(dialect="traefik")
    headers = {
        "X-Forwarded-Uri": "/api/persons",
        "X-Forwarded-Method": "POST",
        "X-Original-URI": "/api/none",
        "X-Original-Method": "GET",
        "Authorization": "Bearer good",
    }
    assert (await gate.public.get("/verify", headers=headers)).status == 200
    answer = await gate.verify("/api/persons")
    assert answer.status == 400
    assert "X-Refusal" not in answer.headers


async def test_envoy_asks_with_the_request_itself(make_gate: MakeGate) -> None:
    gate = await make_gate(dialect="envoy")
    headers = {"Authorization": "Bearer good", "X-Original-URI": "/api/none"}
    answer = await gate.public.post("/verify/api/persons?page=1", headers=headers)
    assert answer.status == 200
    answer = await gate.public.delete("/verify/api/persons", headers=headers)
    assert answer.status == 403
    assert (await gate.public.get("/verify", headers=headers)).status == 400


async def test_what_is_logged_of_a_request_has_no_token_in_it(
    gate: Gate, platform: Platform, capfd: pytest.CaptureFixture[str]
) -> None:
    platform.tokens["s3cret-token"] = a_token()
    await gate.verify("/api/persons", token="s3cret-token")
    await gate.verify("/api/persons", token="s3cret-unknown", api_key="s3cret-key")
    said = capfd.readouterr()
    assert "/verify" in said.out + said.err
    assert "s3cret" not in said.out + said.err
