"""Who may call /admin/* for users: the platform, or a token of the gateway's scope (§7.3)."""

from typing import Any

import pytest

from shared.models.tokens import TokenName
from tests.builders import a_token, a_world, store
from tests.integration.mithril_api.administering import NOBODY, refused
from tests.integration.mithril_api.asking import bearer
from tests.integration.mithril_api.conftest import Api

USER = f"/users/{NOBODY}"
FACTORS = f"{USER}/authentication_factors"

ROUTES = [
    ("GET", "/users", "user:read"),
    ("POST", "/users", "user:write"),
    ("GET", USER, "user:read"),
    ("PUT", USER, "user:write"),
    ("PATCH", USER, "user:write"),
    ("DELETE", USER, "user:delete"),
    ("PATCH", f"{USER}/actions/change_password", "user:write"),
    ("PATCH", f"{USER}/actions/block", "user:block"),
    ("PATCH", f"{USER}/actions/unblock", "user:unblock"),
    ("GET", "/user_roles", "user:read"),
    ("GET", f"{USER}/roles", "user:read"),
    ("POST", f"{USER}/roles", "user:write"),
    ("DELETE", f"{USER}/roles", "user:delete"),
    ("GET", f"{USER}/roles/{NOBODY}", "user:read"),
    ("DELETE", f"/users/roles/{NOBODY}", "user:delete"),
    ("GET", f"{USER}/global_roles", "user:read"),
    ("POST", f"{USER}/global_roles", "user:write"),
    ("GET", f"{USER}/global_roles/{NOBODY}", "user:read"),
    ("DELETE", f"{USER}/global_roles/{NOBODY}", "user:delete"),
    ("DELETE", f"{USER}/tokens", "user:delete"),
    ("DELETE", f"{USER}/apps", "user:delete"),
    ("POST", f"{USER}/tokens/access", "user:write"),
    ("GET", FACTORS, "authentication_factor:read"),
    ("POST", FACTORS, "authentication_factor:write"),
    ("GET", f"{FACTORS}/{NOBODY}", "authentication_factor:read"),
    ("PATCH", f"{FACTORS}/{NOBODY}/actions/reset", "authentication_factor:write"),
    ("PATCH", f"{FACTORS}/{NOBODY}/actions/disable", "authentication_factor:write"),
    ("PATCH", f"{FACTORS}/{NOBODY}/actions/enable", "authentication_factor:write"),
    ("GET", "/otps", "authentication_factor:read"),
    ("GET", "/apps", "app:read"),
    ("POST", "/apps", "app:write"),
    ("GET", f"/apps/{NOBODY}", "app:read"),
    ("PUT", f"/apps/{NOBODY}", "app:write"),
    ("PATCH", f"/apps/{NOBODY}", "app:write"),
    ("DELETE", f"/apps/{NOBODY}", "app:delete"),
]
EVERY_SCOPE = sorted({scope for _, _, scope in ROUTES})


async def a_caller(api: Api, scope: list[str]) -> dict[str, str]:
    world = await a_world(api.deps)
    token = a_token(api.deps, TokenName.ACCESS, world.user_id, world.client_id, scope=scope)
    await store(api.deps, token)
    return bearer(token.value)


async def test_every_other_scope_is_not_enough(api: Api) -> None:
    callers = {
        scope: await a_caller(api, [other for other in EVERY_SCOPE if other != scope])
        for scope in EVERY_SCOPE
    }

    answers: dict[tuple[str, str], tuple[int, Any]] = {
        (method, path): await refused(api, method, path, headers=callers[scope])
        for method, path, scope in ROUTES
    }

    text = "Your scope does not allow to access this resource. Missing allowances: "
    assert answers == {
        (method, path): (403, {"type": "forbidden", "message": text + scope})
        for method, path, scope in ROUTES
    }


@pytest.mark.parametrize("scope", EVERY_SCOPE)
async def test_the_scope_is_enough(api: Api, scope: str) -> None:
    caller = await a_caller(api, [scope])

    for method, path, wanted in ROUTES:
        if wanted == scope:
            response = await api.internal.request(
                method, f"/admin{path}", headers=caller, json={}
            )
            assert response.status not in {401, 403}, (method, path)


@pytest.mark.parametrize("headers", [{"Authorization": ""}, bearer("wrong")])
async def test_a_stranger_is_turned_away(api: Api, headers: dict[str, str]) -> None:
    for method, path, _ in ROUTES:
        status, error = await refused(api, method, path, headers=headers)

        assert (status, error["type"]) == (401, "access_denied"), (method, path)
