"""What a gateway asks beside verify: whose a token is, and whether an api-key stands alone."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from services.mithril_api.actions.verify_api_key import verify_api_key
from services.mithril_api.domain.api_keys import KeyVerified
from shared.models.schema import mithril as tables
from shared.models.tokens import TokenName
from tests.builders import World, a_token, a_world, store
from tests.integration.mithril_api.administering import NOT_FOUND, ask, refused
from tests.integration.mithril_api.asking import a_session, execute
from tests.integration.mithril_api.conftest import Api, settings_for

EXPIRED = (
    401,
    {
        "type": "invalid_grant",
        "message": "Token expired or client approval was revoked.",
    },
)
UNKNOWN_KEY = (
    422,
    {
        "type": "request_malformed",
        "message": "API-KEY is invalid.",
        "invalid": [{"entry_type": "request", "rules": [{"rule": "json"}]}],
    },
)
BROKER = {"access_type": "DIRECT", "broker_scope": "person:read episode:read"}


async def role_of(api: Api, world: World) -> dict[str, Any]:
    return (await ask(api, "GET", f"/roles/{world.role_id}"))[1]["data"]  # type: ignore[no-any-return]  # JSON


class TestOwner:
    async def test_an_access_token_tells_its_user_and_the_roles_that_count(
        self, api: Api
    ) -> None:
        world, elsewhere = await a_world(api.deps), await a_world(api.deps)
        await execute(
            api,
            tables.user_roles.insert().values(
                id=api.deps.entropy.uuid(),
                user_id=world.user_id,
                client_id=elsewhere.client_id,
                role_id=elsewhere.role_id,
            ),
        )
        await execute(
            api,
            tables.global_user_roles.insert().values(
                id=api.deps.entropy.uuid(),
                user_id=world.user_id,
                role_id=elsewhere.role_id,
            ),
        )
        session = await a_session(api, world, scope="person:read")

        response = await api.internal.get(f"/admin/tokens/{session.value}/user")

        answer = await response.json()
        user = (await ask(api, "GET", f"/users/{world.user_id}"))[1]["data"]
        assert response.status == 200
        assert response.headers["Cache-Control"] == "no-store"
        assert answer["data"] == {
            **user,
            "urgent": {
                "roles": [await role_of(api, world)],
                "global_roles": [await role_of(api, elsewhere)],
                "token": {"expires_at": int(session.token.expires_at.timestamp())},
            },
        }
        assert "password" not in str(answer)

    async def test_whether_its_user_is_blocked_is_for_verify_to_say(self, api: Api) -> None:
        world = await a_world(api.deps)
        session = await a_session(api, world, scope="person:read")
        mine = tables.users.c.id == world.user_id
        await execute(api, update(tables.users).where(mine).values(is_blocked=True))

        status, answer = await ask(api, "GET", f"/tokens/{session.value}/user")

        assert (status, answer["data"]["is_blocked"]) == (200, True)

    @pytest.mark.parametrize("name", [n for n in TokenName if n is not TokenName.ACCESS])
    async def test_no_other_kind_of_token_tells_anything(
        self, api: Api, name: TokenName
    ) -> None:
        world = await a_world(api.deps)
        token = await a_session(api, world, name, scope="person:read")

        assert await refused(api, "GET", f"/tokens/{token.value}/user") == NOT_FOUND

    async def test_it_ends_on_the_dot(self, api: Api) -> None:
        world = await a_world(api.deps)
        session = await a_session(api, world, scope="person:read")
        path = f"/tokens/{session.value}/user"

        api.clock.advance(timedelta(minutes=59, seconds=59))
        before, _ = await ask(api, "GET", path)
        api.clock.advance(timedelta(seconds=1))

        assert before == 200
        assert await refused(api, "GET", path) == EXPIRED

    async def test_a_revoked_one_is_refused(self, api: Api) -> None:
        world = await a_world(api.deps)
        session = await a_session(api, world, scope="person:read")
        await ask(api, "PATCH", f"/clients/{world.client_id}/actions/deactivate_tokens")

        assert await refused(api, "GET", f"/tokens/{session.value}/user") == EXPIRED

    @pytest.mark.parametrize(
        "value", ["nobody-has-this", "mth0000000000000000000000000000x", "%F0%9F%A6%8A"]
    )
    async def test_an_unknown_value_is_not_found(self, api: Api, value: str) -> None:
        assert await refused(api, "GET", f"/tokens/{value}/user") == NOT_FOUND

    async def test_a_token_whose_user_is_gone_is_not_found(self, api: Api) -> None:
        world = await a_world(api.deps)
        orphan = a_token(
            api.deps, TokenName.ACCESS, api.deps.entropy.uuid(), world.client_id
        )
        await store(api.deps, orphan)

        assert await refused(api, "GET", f"/tokens/{orphan.value}/user") == NOT_FOUND


class TestApiKey:
    async def test_the_key_of_a_mis_tells_what_the_mis_may_do(self, api: Api) -> None:
        mis = await a_world(api.deps, priv_settings=BROKER)

        response = await api.internal.get(f"/admin/api_key/{mis.client_secret}/verify")

        answer = await response.json()
        assert response.status == 200
        assert response.headers["Cache-Control"] == "no-store"
        assert (answer["data"], answer["urgent"]) == (
            {
                "details": {
                    "broker_scope": "person:read episode:read",
                    "client_id": str(mis.client_id),
                    "scope": "episode:read episode:write person:read",
                }
            },
            {"mis_client_id": str(mis.client_id)},
        )

    async def test_a_key_works_while_it_rotates_out_and_no_longer(self, api: Api) -> None:
        mis = await a_world(api.deps, priv_settings=BROKER)
        path = f"/api_key/{mis.client_secret}/verify"
        connection = f"/clients/{mis.client_id}/connections/{mis.connection_id}"
        _, answer = await ask(api, "PATCH", f"{connection}/actions/refresh_secret")
        fresh = f"/api_key/{answer['data']['secret']}/verify"

        during = [(await ask(api, "GET", key))[0] for key in (path, fresh)]
        api.clock.advance(timedelta(seconds=api.deps.settings.secret_overlap))
        after = [(await ask(api, "GET", key))[0] for key in (path, fresh)]

        assert (during, after) == ([200, 200], [422, 200])

    async def test_a_key_kept_under_a_former_key_of_ours_still_works(
        self, api: Api
    ) -> None:
        mis = await a_world(api.deps, priv_settings=BROKER)
        keys = ("a-newer-key-0123456789", "key-for-tests-0123456789")
        newer = replace(api.deps, settings=settings_for("postgresql://", secret_keys=keys))

        assert await verify_api_key(newer, mis.client_secret) == KeyVerified(
            client_id=mis.client_id,
            scope=("episode:read", "episode:write", "person:read"),
            broker_scope="person:read episode:read",
        )

    async def test_an_unknown_key_is_refused(self, api: Api) -> None:
        assert await refused(api, "GET", "/api_key/nobody-has-it/verify") == UNKNOWN_KEY

    async def test_the_key_of_a_blocked_mis_is_refused(self, api: Api) -> None:
        mis = await a_world(api.deps, priv_settings=BROKER)
        block = {"client": {"is_blocked": True}}
        await ask(api, "PATCH", f"/clients/{mis.client_id}", block)

        answered = await refused(api, "GET", f"/api_key/{mis.client_secret}/verify")

        error = {"type": "invalid_client", "message": "Authentication failed."}
        assert answered == (401, error)

    async def test_the_key_of_who_is_no_mis_is_refused(self, api: Api) -> None:
        clinic = await a_world(api.deps)

        status, error = await refused(api, "GET", f"/api_key/{clinic.client_secret}/verify")

        assert (status, error["message"]) == (422, "Incorrect broker settings.")
