"""No request to an admin route of clients and tokens ends in a 500, whatever it holds (D15)."""

from typing import Any

import pytest

from tests.builders import World, a_world
from tests.integration.mithril_api.administering import MALFORMED, NOBODY
from tests.integration.mithril_api.conftest import Api
from tests.integration.mithril_api.test_admin_access import ROUTES

WRITES = [
    (method, path) for method, path, _ in ROUTES if method in ("POST", "PUT", "PATCH")
]
ACTIONS = ("deactivate_tokens", "refresh_secret")  # these read no body
LISTS = ("/client_types", "/roles", "/clients", f"/clients/{NOBODY}/connections", "/tokens")
WRAPPERS = ("client", "client_type", "role", "token")
TOO_LARGE = {
    "type": "request_too_large",
    "message": "Request body is larger than 65536 bytes.",
}
FIELDS = (
    *("name", "scope", "value", "user_id", "client_type_id", "settings", "priv_settings"),
    *("is_blocked", "block_reason", "consumer_id", "redirect_uri", "expires_at", "details"),
)
ODD: dict[str, Any] = {
    "nothing": None,
    "a lone quote": "'",
    "a large number": 10**40,
    "a tiny number": -1e308,
    "a list": [[], {}],
    "an object": {"a": {"b": []}},
    "a wildcard": "%_\\",
    "letters of every plane": "їґ\U0001f98a\ufffe\u202e",
    "control characters": "\x01\x1f\x7f\x85",
    "a long text": "x" * 60_000,
}


@pytest.mark.parametrize(
    ("raw", "kind", "status", "error"),
    [
        pytest.param(b"", "application/json", *MALFORMED, id="nothing"),
        pytest.param(b"{", "application/json", *MALFORMED, id="broken"),
        pytest.param(b"[]", "application/json", *MALFORMED, id="a list"),
        pytest.param(b'"x"', "application/json", *MALFORMED, id="a text"),
        pytest.param(b"\xff\xfe", "application/json", *MALFORMED, id="no UTF-8"),
        pytest.param(
            b'{"redirect_uri":"\\u0000","client":{"name":"\\u0000"}}',
            "application/json",
            *MALFORMED,
            id="NUL",
        ),
        pytest.param(
            b'{"redirect_uri":"\\ud800"}', "application/json", *MALFORMED, id="a surrogate"
        ),
        pytest.param(b" " * 65_537, "application/json", 413, TOO_LARGE, id="too large"),
        pytest.param(
            b"a=b",
            "application/x-www-form-urlencoded",
            415,
            {
                "type": "content_type_invalid",
                "message": "Content-Type must be application/json.",
            },
            id="a form",
        ),
    ],
)
async def test_what_is_no_json_object_is_refused_by_every_write(
    api: Api, raw: bytes, kind: str, status: int, error: dict[str, Any]
) -> None:
    for method, path in WRITES:
        if path.endswith(ACTIONS):
            continue
        response = await api.internal.request(
            method, f"/admin{path}", data=raw, headers={"Content-Type": kind}
        )

        route = (method, path)
        assert (route, response.status) == (route, status)
        assert (await response.json())["error"] == error


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD.keys())
async def test_odd_values_in_any_field_are_answered(api: Api, odd: object) -> None:
    world = await a_world(api.deps)
    for method, path in existing(world):
        for field in FIELDS:
            body = {field: odd} | {wrapper: {field: odd} for wrapper in WRAPPERS}
            response = await api.internal.request(method, f"/admin{path}", json=body)

            case = (method, path, field)
            # One route answers 404 to a consumer that is no UUID, as documented.
            absent = {404} if method == "PUT" and field == "consumer_id" else set[int]()
            allowed = {200, 413, 422} | absent
            assert (case, response.status) in [(case, status) for status in allowed]


@pytest.mark.parametrize("odd", [str(odd) for odd in ODD.values()][:-1])
async def test_odd_filters_are_answered(api: Api, odd: str) -> None:
    await a_world(api.deps)
    filters = ("id", "is_blocked", "client_id", *FIELDS)
    for path in LISTS:
        for field in filters:
            response = await api.internal.get(f"/admin{path}", params={field: odd})

            case = (path, field)
            assert (case, response.status) in [(case, status) for status in (200, 422)]


@pytest.mark.parametrize("path", LISTS)
async def test_a_query_with_nul_is_malformed(api: Api, path: str) -> None:
    response = await api.internal.get(f"/admin{path}?name=%00")

    assert (response.status, (await response.json())["error"]) == MALFORMED


def existing(world: World) -> list[tuple[str, str]]:
    """Every write that takes fields, to things that are there."""
    connections = f"/clients/{world.client_id}/connections"
    return [
        ("POST", "/client_types"),
        ("PUT", f"/client_types/{world.client_type_id}"),
        ("POST", "/roles"),
        ("PUT", f"/roles/{world.role_id}"),
        ("POST", "/clients"),
        ("PUT", f"/clients/{world.client_id}"),
        ("PUT", connections),
        ("PATCH", f"{connections}/{world.connection_id}"),
        ("POST", "/tokens"),
        ("PUT", f"/tokens/{world.refresh.token.id}"),
    ]
