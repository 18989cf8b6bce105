"""Who may call which admin route: the platform, or a user with the scope of spec §7.3."""

import pytest

from shared.runtime.platform import INVALID_TOKEN, MISSING_BEARER
from tests.builders import a_world
from tests.integration.mithril_api.administering import NOBODY
from tests.integration.mithril_api.asking import a_session, bearer
from tests.integration.mithril_api.conftest import Api

ONE = f"/{NOBODY}"
CONNECTIONS = f"/clients/{NOBODY}/connections"

ROUTES = [
    ("GET", "/client_types", "client_type:read"),
    ("POST", "/client_types", "client_type:write"),
    ("GET", f"/client_types{ONE}", "client_type:read"),
    ("PUT", f"/client_types{ONE}", "client_type:write"),
    ("PATCH", f"/client_types{ONE}", "client_type:write"),
    ("DELETE", f"/client_types{ONE}", "client_type:delete"),
    ("GET", "/roles", "role:read"),
    ("POST", "/roles", "role:write"),
    ("GET", f"/roles{ONE}", "role:read"),
    ("PUT", f"/roles{ONE}", "role:write"),
    ("PATCH", f"/roles{ONE}", "role:write"),
    ("DELETE", f"/roles{ONE}", "role:delete"),
    ("GET", "/clients", "client:read"),
    ("POST", "/clients", "client:write"),
    ("GET", f"/clients{ONE}", "client:read"),
    ("GET", f"/clients{ONE}/details", "client:read"),
    ("PUT", f"/clients{ONE}", "client:write"),
    ("PATCH", f"/clients{ONE}", "client:write"),
    ("DELETE", f"/clients{ONE}", "client:delete"),
    ("PATCH", f"/clients{ONE}/actions/deactivate_tokens", "client:write"),
    ("GET", CONNECTIONS, "client:read"),
    ("PUT", CONNECTIONS, "client:write"),
    ("GET", f"{CONNECTIONS}{ONE}", "client:read"),
    ("PATCH", f"{CONNECTIONS}{ONE}", "client:write"),
    ("PATCH", f"{CONNECTIONS}{ONE}/actions/refresh_secret", "client:write"),
    ("DELETE", f"{CONNECTIONS}{ONE}", "client:delete"),
    ("GET", "/tokens", "token:read"),
    ("POST", "/tokens", "token:write"),
    ("DELETE", "/tokens", "token:delete"),
    ("GET", f"/tokens{ONE}", "token:read"),
    ("PUT", f"/tokens{ONE}", "token:write"),
    ("PATCH", f"/tokens{ONE}", "token:write"),
    ("DELETE", f"/tokens{ONE}", "token:delete"),
]
ALL = sorted({scope for _, _, scope in ROUTES})
PLATFORM_ONLY = [f"/tokens/{'x' * 32}/user", "/api_key/some-key/verify"]


async def test_each_route_asks_for_its_own_scope_and_for_no_other(api: Api) -> None:
    world = await a_world(api.deps)
    for method, path, scope in ROUTES:
        others = " ".join(item for item in ALL if item != scope)
        without = await a_session(api, world, scope=others)
        holding = await a_session(api, world, scope=scope)

        refused = await api.internal.request(
            method, f"/admin{path}", json={}, headers=bearer(without.value)
        )
        taken = await api.internal.request(
            method, f"/admin{path}", json={}, headers=bearer(holding.value)
        )

        text = "Your scope does not allow to access this resource. Missing allowances: "
        error = {"type": "forbidden", "message": text + scope}
        route = (method, path)
        assert (route, refused.status) == (route, 403)
        assert (await refused.json())["error"] == error
        assert (route, taken.status) in [(route, status) for status in (200, 400, 404, 422)]


@pytest.mark.parametrize(
    ("authorization", "message"),
    [
        ("", MISSING_BEARER),
        ("Basic dXNlcjpwYXNzd29yZA==", MISSING_BEARER),
        ("Bearer nobody-has-this-token", INVALID_TOKEN),
    ],
)
async def test_who_is_neither_the_platform_nor_a_user_is_refused_everywhere(
    api: Api, authorization: str, message: str
) -> None:
    headers = {"Authorization": authorization}
    everything = [(method, path) for method, path, _ in ROUTES]
    everything += [("GET", path) for path in PLATFORM_ONLY]
    for method, path in everything:
        response = await api.internal.request(
            method, f"/admin{path}", json={}, headers=headers
        )

        error = {"type": "access_denied", "message": message}
        assert ((method, path), response.status) == ((method, path), 401)
        assert (await response.json())["error"] == error


@pytest.mark.parametrize("path", PLATFORM_ONLY)
async def test_what_gateways_ask_is_for_the_platform_alone(api: Api, path: str) -> None:
    world = await a_world(api.deps)
    session = await a_session(api, world, scope=" ".join(ALL))

    response = await api.internal.get(f"/admin{path}", headers=bearer(session.value))

    assert response.status == 401


async def test_none_of_it_is_on_the_public_listener(api: Api) -> None:
    for method, path, _ in [*ROUTES, *(("GET", path, "") for path in PLATFORM_ONLY)]:
        response = await api.public.request(method, f"/admin{path}", json={})

        assert ((method, path), response.status) == ((method, path), 404)
