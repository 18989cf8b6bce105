"""Bad input to every public endpoint: the documented envelope, each field named, never a 500."""

import asyncio
import gzip
import json
from dataclasses import dataclass
from typing import Any

import pytest

from tests.integration.mithril_api.asking import a_clinic, a_session, bearer, entry
from tests.integration.mithril_api.conftest import Api

pytestmark = pytest.mark.asyncio(loop_scope="module")

MALFORMED = {
    "type": "request_malformed",
    "message": "Malformed request. Probably, you have sent corrupted JSON.",
    "invalid": [{"entry_type": "request", "rules": [{"rule": "json"}]}],
}
WRONG_TYPE = {
    "type": "content_type_invalid",
    "message": "Content-Type must be application/json.",
}
TOO_LARGE = {
    "type": "request_too_large",
    "message": "Request body is larger than 65536 bytes.",
}
ID = "6498d88e-97fb-47e2-85a5-99e884f888aa"
JSON = "application/json"


@pytest.fixture
def api(standing_api: Api) -> Api:
    return standing_api


@dataclass(frozen=True)
class Endpoint:
    """One way to send a JSON object in, with a body that is right in shape."""

    path: str
    wrapper: str
    fields: dict[str, str]
    fixed: dict[str, str]  # what chooses the endpoint's branch and stays as it is
    scope: str | None = None  # of the bearer, where the caller has to be known

    def body(self, **but: Any) -> dict[str, Any]:
        given = {**self.fixed, **self.fields, **but}
        return {self.wrapper: given}


ENDPOINTS = [
    pytest.param(
        Endpoint(
            "/oauth/tokens",
            "token",
            {"client_id": ID, "client_secret": "s", "refresh_token": "r"},
            {"grant_type": "refresh_token"},
        ),
        id="refresh",
    ),
    pytest.param(
        Endpoint(
            "/oauth/tokens",
            "token",
            {
                "client_id": ID,
                "client_secret": "s",
                "code": "c",
                "redirect_uri": "https://clinic.test/",
                "code_verifier": "v",
            },
            {"grant_type": "authorization_code"},
        ),
        id="exchange",
    ),
    pytest.param(
        Endpoint(
            "/auth/login",
            "token",
            {"email": "e", "password": "p", "client_id": ID, "scope": "s", "token": "t"},
            {"grant_type": "password"},
        ),
        id="login",
    ),
    pytest.param(
        Endpoint(
            "/oauth/apps/authorize",
            "app",
            {
                "client_id": ID,
                "redirect_uri": "https://clinic.test/",
                "scope": "s",
                "state": "s",
                "code_challenge": "c",
                "code_challenge_method": "S256",
            },
            {},
            scope="app:authorize",
        ),
        id="consent",
    ),
    pytest.param(
        Endpoint(
            "/oauth/users/actions/update_password",
            "user",
            {"password": "p"},
            {},
            scope="user:change_password",
        ),
        id="update password",
    ),
]
every_endpoint = pytest.mark.parametrize("endpoint", ENDPOINTS)

OPTIONAL = {"code_verifier", "token", "scope", "state", "code_challenge"}


async def headers_for(api: Api, endpoint: Endpoint) -> dict[str, str]:
    if endpoint.scope is None:
        return {}
    world = await a_clinic(api.deps)
    session = await a_session(api, world, scope=endpoint.scope)
    return bearer(session.value)


async def send(
    api: Api, endpoint: Endpoint, raw: bytes, content_type: str | None = JSON, **more: str
) -> tuple[int, Any]:
    headers = {**await headers_for(api, endpoint), **more}
    if content_type is not None:
        headers["Content-Type"] = content_type
    response = await api.public.post(
        endpoint.path,
        data=raw,
        headers=headers,
        skip_auto_headers=["Content-Type"],
    )
    body = await response.json()
    assert body["meta"]["code"] == response.status
    return response.status, body["error"]


def encoded(value: object) -> bytes:
    return json.dumps(value).encode()


def nested(endpoint: Endpoint, depth: int, inside: str = "") -> bytes:
    deep = "[" * depth + inside + "]" * depth
    return f'{{"{endpoint.wrapper}": {{"deep": {deep}}}}}'.encode()


@every_endpoint
@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="no body"),
        pytest.param(b"{", id="broken JSON"),
        pytest.param(b'{"token": NaN}', id="no JSON, though Python would take it"),
        pytest.param(b"null", id="null"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b'"token"', id="a text"),
        pytest.param(b"{}", id="no wrapper"),
        pytest.param(b'{"token": {"a": "\x00"}}', id="a raw NUL"),
        pytest.param(b'{"token": {"a": "\xff\xfe"}}', id="no UTF-8"),
        pytest.param(b"\xef\xbb\xbf{}", id="a byte order mark"),
        pytest.param(b"[" * 60_000, id="brackets without an end"),
        pytest.param(b"[" * 30_000 + b"]" * 30_000, id="brackets thirty thousand deep"),
    ],
)
async def test_what_is_no_json_object_is_malformed(
    api: Api, endpoint: Endpoint, raw: bytes
) -> None:
    raw = raw.replace(b"token", endpoint.wrapper.encode())

    assert await send(api, endpoint, raw) == (400, MALFORMED)


@every_endpoint
@pytest.mark.parametrize("wrapped", [None, [], "text", 7, True])
async def test_a_wrapper_that_is_no_object_is_malformed(
    api: Api, endpoint: Endpoint, wrapped: object
) -> None:
    raw = encoded({endpoint.wrapper: wrapped})

    assert await send(api, endpoint, raw) == (400, MALFORMED)


@every_endpoint
@pytest.mark.parametrize("text", ["\\u0000", "\\ud800", "\\udc00\\ud800", "a\\u0000b"])
@pytest.mark.parametrize("place", ["value", "key", "beside the wrapper"])
async def test_what_no_text_may_hold_is_malformed(
    api: Api, endpoint: Endpoint, text: str, place: str
) -> None:
    inner = {"value": f'"a": "{text}"', "key": f'"{text}": 1'}.get(place, "")
    beside = f', "b": ["{text}"]' if place == "beside the wrapper" else ""
    raw = f'{{"{endpoint.wrapper}": {{{inner}}}{beside}}}'.encode()

    assert await send(api, endpoint, raw) == (400, MALFORMED)


@every_endpoint
async def test_nesting_deeper_than_our_stack_is_searched_too(
    api: Api, endpoint: Endpoint
) -> None:
    harmless, _ = await send(api, endpoint, nested(endpoint, 1000, '"\\\\u0000"'))
    harmful = await send(api, endpoint, nested(endpoint, 1000, '"\\u0000"'))

    assert 400 < harmless < 500
    assert harmful == (400, MALFORMED)


@every_endpoint
@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/vnd.api+json",
        "nonsense",
        "",
    ],
)
async def test_another_content_type_is_refused(
    api: Api, endpoint: Endpoint, content_type: str | None
) -> None:
    answered = await send(api, endpoint, encoded(endpoint.body()), content_type)

    assert answered == (415, WRONG_TYPE)


@every_endpoint
@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", "Application/JSON"]
)
async def test_a_content_type_may_be_written_in_other_ways(
    api: Api, endpoint: Endpoint, content_type: str
) -> None:
    raw = encoded({endpoint.wrapper: 7})

    assert await send(api, endpoint, raw, content_type) == (400, MALFORMED)


@every_endpoint
async def test_a_body_over_64_kib_is_too_large(api: Api, endpoint: Endpoint) -> None:
    raw = encoded(endpoint.body(more="x" * 65_536))

    assert await send(api, endpoint, raw) == (413, TOO_LARGE)


@every_endpoint
async def test_a_body_that_unpacks_to_more_is_too_large(
    api: Api, endpoint: Endpoint
) -> None:
    raw = gzip.compress(encoded(endpoint.body(more="x" * 10_000_000)))

    answered = await send(api, endpoint, raw, **{"Content-Encoding": "gzip"})

    assert answered == (413, TOO_LARGE)


@every_endpoint
async def test_a_body_that_does_not_unpack_is_malformed(
    api: Api, endpoint: Endpoint
) -> None:
    answered = await send(api, endpoint, b"no gzip", **{"Content-Encoding": "gzip"})

    assert answered == (400, MALFORMED)


@every_endpoint
@pytest.mark.parametrize("value", [7, 1.5, True, [], {}, ["a"], {"a": "b"}, 10**30])
async def test_a_value_of_another_type_is_named(
    api: Api, endpoint: Endpoint, value: object
) -> None:
    wrong: dict[str, Any] = dict.fromkeys(endpoint.fields, value)

    status, error = await send(api, endpoint, encoded(endpoint.body(**wrong)))

    assert (status, error["type"]) == (422, "validation_failed")
    assert entries(error) == list(endpoint.fields)


@every_endpoint
@pytest.mark.parametrize("value", ["", None])
async def test_an_empty_value_is_absent_and_named_where_it_is_required(
    api: Api, endpoint: Endpoint, value: str | None
) -> None:
    empty = dict.fromkeys(endpoint.fields, value)
    needed = set(endpoint.fields) - OPTIONAL - {"code_challenge_method"}
    if endpoint.path == "/auth/login":
        needed.add("scope")

    status, error = await send(api, endpoint, encoded(endpoint.body(**empty)))

    assert (status, error["type"]) == (422, "validation_failed")
    assert set(entries(error)) == needed
    assert {rule_of(item) for item in error["invalid"]} == {"required"}


@every_endpoint
async def test_a_value_of_ten_thousand_characters_is_named(
    api: Api, endpoint: Endpoint
) -> None:
    for name in endpoint.fields:
        body = endpoint.body(**{name: "ї" * 10_000})
        raw = json.dumps(body, ensure_ascii=False).encode()

        status, error = await send(api, endpoint, raw)

        assert (status, name in entries(error)) == (422, True)


@pytest.mark.parametrize(
    ("path", "wrapper", "fixed"),
    [
        ("/oauth/tokens", "token", {"grant_type": "refresh_token"}),
        ("/auth/login", "token", {"grant_type": "password"}),
    ],
)
@pytest.mark.parametrize("client_id", ["nonsense", ID[:-1], f"{{{ID}}}", f"{ID}\n"])
async def test_a_client_id_that_is_no_uuid_is_malformed(
    api: Api, path: str, wrapper: str, fixed: dict[str, str], client_id: str
) -> None:
    texts = ("client_secret", "refresh_token", "email", "password", "scope")
    given = {**dict.fromkeys(texts, "x"), **fixed, "client_id": client_id}

    response = await api.public.post(path, json={wrapper: given})

    assert (response.status, (await response.json())["error"]) == (400, MALFORMED)


async def test_a_consent_names_an_id_that_is_no_uuid(api: Api) -> None:
    world = await a_clinic(api.deps)
    session = await a_session(api, world, scope="app:authorize")
    app = {"client_id": "nonsense", "redirect_uri": "https://clinic.test/"}

    response = await api.public.post(
        "/oauth/apps/authorize", json={"app": app}, headers=bearer(session.value)
    )

    cast = {"rule": "cast", "params": ["uuid"], "description": "is invalid"}
    assert (response.status, (await response.json())["error"]["invalid"]) == (
        422,
        [entry("client_id", cast)],
    )


@pytest.mark.parametrize(
    ("grant_type", "expected"),
    [
        ("", (422, "request_malformed")),
        (None, (422, "request_malformed")),
        ("no such grant", (401, "invalid_grant")),
        ("x" * 10_000, (401, "invalid_grant")),
        (7, (401, "invalid_grant")),
        ([], (401, "invalid_grant")),
        ({"$ne": ""}, (401, "invalid_grant")),
    ],
)
@pytest.mark.parametrize("path", ["/oauth/tokens", "/auth/login"])
async def test_a_grant_type_of_any_kind_has_its_answer(
    api: Api, path: str, grant_type: object, expected: tuple[int, str]
) -> None:
    response = await api.public.post(path, json={"token": {"grant_type": grant_type}})
    body = await response.json()

    assert (response.status, body["error"]["type"]) == expected


async def test_a_post_cannot_be_turned_into_another_method(api: Api) -> None:
    body = {"_method": "DELETE", "token": {"grant_type": "refresh_token"}}

    response = await api.public.post(
        "/oauth/tokens", json=body, headers={"X-HTTP-Method-Override": "DELETE"}
    )

    assert response.status == 422


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("GET", "/oauth/tokens", 405, "method_not_allowed"),
        ("DELETE", "/oauth/user", 405, "method_not_allowed"),
        ("PROPFIND", "/oauth/tokens", 405, "method_not_allowed"),
        ("POST", "/oauth/tokens/", 404, "not_found"),
        ("GET", "/no/such/page", 404, "not_found"),
        ("GET", "/admin/users", 404, "not_found"),
        ("POST", "/oauth/%00tokens", 400, "request_malformed"),
        ("POST", "/oauth/tokens?a=%00", 400, "request_malformed"),
        ("POST", "/oauth/%ff", 404, "not_found"),
        ("GET", "/oauth/%d0%97", 404, "not_found"),
    ],
)
async def test_a_path_that_leads_nowhere_is_answered_in_the_envelope(
    api: Api, method: str, path: str, status: int, kind: str
) -> None:
    answered, body = await over_wire(api, f"{method} {path} HTTP/1.1\r\nHost: x\r\n")

    assert (answered, body["meta"]["code"], body["error"]["type"]) == (status, status, kind)


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(b"Host: \xff\xfe\r\n", id="a host"),
        pytest.param(b"Host: x\r\nX-Request-ID: \xff\r\n", id="a request id"),
        pytest.param(b"Host: x\r\nX-Idempotency-Key: \xd0\r\n", id="an idempotency key"),
        pytest.param(b"Host: x\r\nAuthorization: Bearer \xff\xfe\r\n", id="a bearer"),
        pytest.param(b"Host: x\r\napi-key: \xff\r\n", id="an api-key"),
        pytest.param(b"Host: x\r\nx-consumer-id: \xff\r\n", id="a consumer"),
        pytest.param(b"Host: x\r\ntraceparent: \xff\r\n", id="a trace"),
        pytest.param(b"Host: x\r\nContent-Type: \xff\r\n", id="a content type"),
        pytest.param(b"Host: x\r\nX-Forwarded-Proto: \xff\r\n", id="a protocol"),
    ],
)
@pytest.mark.parametrize(
    "line", [b"GET /oauth/user HTTP/1.1\r\n", b"POST /auth/logout HTTP/1.1\r\n"]
)
async def test_bytes_in_headers_do_not_break_the_answer(
    api: Api, headers: bytes, line: bytes
) -> None:
    status, body = await over_wire(api, line + headers)

    assert 400 <= status < 500
    assert body["meta"]["code"] == status
    assert body["error"]["type"]


async def test_a_request_that_ends_too_early_leaves_the_server_well(api: Api) -> None:
    _, writer = await asyncio.open_connection(api.public.host, api.public.port)
    head = "POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    writer.write(f'{head}Content-Length: 100\r\n\r\n{{"token": '.encode())
    await writer.drain()
    writer.close()
    await writer.wait_closed()

    status, _ = await over_wire(api, "GET /oauth/user HTTP/1.1\r\nHost: x\r\n")

    assert status == 401


def entries(error: dict[str, Any]) -> list[str]:
    return [item["entry"].removeprefix("$.") for item in error["invalid"]]


def rule_of(item: dict[str, Any]) -> str:
    return str(item["rules"][0]["rule"])


async def over_wire(api: Api, head: str | bytes) -> tuple[int, Any]:
    """Send a request that no well-meaning client library would; its status and its body."""
    raw = head if isinstance(head, bytes) else head.encode()
    reader, writer = await asyncio.open_connection(api.public.host, api.public.port)
    writer.write(raw + b"Connection: close\r\nContent-Length: 0\r\n\r\n")
    await writer.drain()
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    top, _, body = answer.partition(b"\r\n\r\n")
    return int(top.split(b" ", 2)[1]), json.loads(body)
