"""/admin/clients: made and shown (spec §1.4, §3.10)."""

from typing import Any

import pytest

from tests.builders import a_world
from tests.integration.mithril_api.administering import (
    MALFORMED,
    NOBODY,
    NOT_FOUND,
    ask,
    ids_of,
    refused,
    unfit,
    validation,
)
from tests.integration.mithril_api.asking import events_of
from tests.integration.mithril_api.clients import (
    REQUIRED,
    blank,
    blocks,
    body_of,
    made,
    now,
)
from tests.integration.mithril_api.conftest import Api

# What this server does not do: in the order in which it is named.
UNSUPPORTED: dict[str, Any] = {
    "jwks_uri": "https://clinic.test/jwks",
    "x5t#S256": "A" * 43,
}


class TestMaking:
    async def test_a_new_client_is_answered_whole_and_brokered_unless_it_says_otherwise(
        self, api: Api
    ) -> None:
        world = await a_world(api.deps)

        response = await api.internal.post("/admin/clients", json=body_of(world))

        data = (await response.json())["data"]
        assert response.status == 201
        assert response.headers["Location"] == f"/admin/clients/{data['id']}"
        assert data == {
            "id": data["id"],
            "name": "Clinic of Saint Luke",
            "settings": {},
            "priv_settings": {"access_type": "BROKER"},
            "is_blocked": False,
            "block_reason": None,
            "user_id": str(world.user_id),
            "client_type_id": str(world.client_type_id),
            "inserted_at": now(api),
            "updated_at": now(api),
        }

    async def test_a_new_client_is_told_and_begins_its_history(self, api: Api) -> None:
        world = await a_world(api.deps)

        client = await made(api, world)

        created = {
            "client_id": client["id"],
            "name": "Clinic of Saint Luke",
            "client_type": world.client_type,
        }
        assert await events_of(api) == [("mithril.client.created.v1", created)]
        assert await blocks(api, client["id"]) == [(False, None)]

    async def test_a_client_made_blocked_is_told_as_such(self, api: Api) -> None:
        world = await a_world(api.deps)

        client = await made(api, world, is_blocked=True, block_reason="debts")

        events = await events_of(api)
        blocked = {"client_id": client["id"], "reason": "debts"}
        assert events[1:] == [("mithril.client.blocked.v1", blocked)]
        assert await blocks(api, client["id"]) == [(True, "debts")]

    @pytest.mark.parametrize(
        ("but", "invalid"),
        [
            pytest.param(dict.fromkeys(REQUIRED, ...), blank(*REQUIRED), id="nothing"),
            pytest.param({"name": "  "}, blank("name"), id="a name of spaces"),
            pytest.param(
                {
                    "name": 1,
                    "user_id": "42",
                    "client_type_id": 3,
                    "settings": [],
                    "priv_settings": "x",
                    "is_blocked": "yes",
                    "block_reason": {},
                },
                [
                    unfit("name", "cast", "is invalid", ("string",)),
                    unfit("user_id", "cast", "is invalid", ("uuid",)),
                    unfit("client_type_id", "cast", "is invalid", ("uuid",)),
                    unfit("settings", "cast", "is invalid", ("map",)),
                    unfit("priv_settings", "cast", "is invalid", ("map",)),
                    unfit("is_blocked", "cast", "is invalid", ("boolean",)),
                    unfit("block_reason", "cast", "is invalid", ("string",)),
                ],
                id="wrong types",
            ),
            pytest.param(
                {"name": "n" * 256},
                [
                    unfit(
                        "name",
                        "length",
                        "should be at most 255 character(s)",
                        {"max": 255},
                    )
                ],
                id="too long",
            ),
            pytest.param(
                {"priv_settings": {}},
                [unfit("priv_settings", None, "access_type required.")],
                id="no access type",
            ),
            pytest.param(
                {"priv_settings": {"access_type": "DIRECTLY"}},
                [unfit("priv_settings", None, "access_type is invalid.")],
                id="an unknown access type",
            ),
            pytest.param(
                {"priv_settings": {"access_type": ["DIRECT"]}},
                [unfit("priv_settings", None, "access_type is invalid.")],
                id="an access type that is no text",
            ),
            pytest.param(
                {"priv_settings": {"access_type": "BROKER", "broker_scope": ["a:b"]}},
                [unfit("priv_settings.broker_scope", "cast", "is invalid", ("string",))],
                id="a broker scope that is no text",
            ),
            pytest.param(
                {"settings": {"refresh_token_policy": "never"}, "name": ...},
                [
                    *blank("name"),
                    unfit(
                        "settings.refresh_token_policy",
                        "inclusion",
                        "is invalid",
                        ("reuse", "rotate"),
                    ),
                ],
                id="an unknown refresh policy, and no name",
            ),
            pytest.param(
                {"settings": {"allowed_grant_types": "password"}},
                [unfit("settings.allowed_grant_types", "cast", "is invalid", ("array",))],
                id="grants that are no list",
            ),
            pytest.param(
                {"settings": UNSUPPORTED | {"access_token_format": "json"}},
                [
                    unfit(
                        "settings.access_token_format",
                        "inclusion",
                        "is invalid",
                        ("opaque", "jwt"),
                    ),
                    *(
                        unfit(f"settings.{name}", "exclusion", "is not supported")
                        for name in UNSUPPORTED
                    ),
                ],
                id="promises that nobody keeps",
            ),
            *(
                pytest.param(
                    {"settings": {"token_endpoint_auth_method": method}},
                    [
                        unfit(
                            "settings.token_endpoint_auth_method",
                            "inclusion",
                            "is invalid",
                            (
                                "client_secret_basic",
                                "client_secret_post",
                                "private_key_jwt",
                                "tls_client_auth",
                                "self_signed_tls_client_auth",
                                "none",
                            ),
                        )
                    ],
                    id=method,
                )
                for method in ("client_secret_jwt",)
            ),
        ],
    )
    async def test_an_unfit_body_is_refused_with_every_field_named(
        self, api: Api, but: dict[str, Any], invalid: list[dict[str, Any]]
    ) -> None:
        world = await a_world(api.deps)

        answered = await refused(api, "POST", "/clients", body_of(world, **but))

        assert answered == validation(*invalid)

    @pytest.mark.parametrize("field", ["user_id", "client_type_id"])
    async def test_what_it_names_must_exist(self, api: Api, field: str) -> None:
        world = await a_world(api.deps)
        absent = validation(unfit(field, None, "does not exist"))
        body = body_of(world, **{field: NOBODY})

        assert await refused(api, "POST", "/clients", body) == absent
        path = f"/clients/{world.client_id}"
        assert await refused(api, "PUT", path, body) == absent
        assert await events_of(api) == []

    @pytest.mark.parametrize("policy", ["reuse", "rotate"])
    async def test_a_known_refresh_policy_is_kept(self, api: Api, policy: str) -> None:
        world = await a_world(api.deps)

        client = await made(api, world, settings={"refresh_token_policy": policy})

        assert client["settings"] == {"refresh_token_policy": policy}


class TestShowing:
    async def test_one_client_is_shown_with_the_name_of_its_type(self, api: Api) -> None:
        world = await a_world(api.deps)
        client = await made(api, world)

        status, answer = await ask(api, "GET", f"/clients/{client['id']}")

        assert status == 200
        assert answer["data"] == {**client, "client_type_name": world.client_type}

    async def test_details_leave_out_what_is_private(self, api: Api) -> None:
        world = await a_world(api.deps)
        client = await made(api, world)

        status, answer = await ask(api, "GET", f"/clients/{client['id']}/details")

        del client["priv_settings"]
        assert status == 200
        assert answer["data"] == {**client, "client_type_name": world.client_type}

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", "/clients/{id}"),
            ("GET", "/clients/{id}/details"),
            ("DELETE", "/clients/{id}"),
            ("PATCH", "/clients/{id}/actions/deactivate_tokens"),
        ],
    )
    async def test_an_id_that_is_unknown_or_no_uuid(
        self, api: Api, method: str, path: str
    ) -> None:
        unknown = path.replace("{id}", NOBODY)
        no_uuid = path.replace("{id}", "42")

        assert await refused(api, method, unknown) == NOT_FOUND
        assert await refused(api, method, no_uuid) == MALFORMED

    async def test_a_list_is_filtered(self, api: Api) -> None:
        world, other = await a_world(api.deps), await a_world(api.deps)
        luke = await made(api, world, name="Saint LUKE 100%")
        mark = await made(api, world, name="Saint Mark", is_blocked=True)
        john = await made(api, other, name="Saint John")

        user, first = str(world.user_id), luke["id"]
        assert await ids_of(api, "/clients", id=first) == [first]
        assert await ids_of(api, "/clients", name="saint") == [
            first,
            mark["id"],
            john["id"],
        ]
        assert await ids_of(api, "/clients", name="e 100%") == [first]
        assert await ids_of(api, "/clients", name="%") == [first]
        assert await ids_of(api, "/clients", name="saint", user_id=user) == [
            first,
            mark["id"],
        ]
        assert await ids_of(api, "/clients", is_blocked="true") == [mark["id"]]
        assert await ids_of(api, "/clients", name="saint", is_blocked="false") == [
            first,
            john["id"],
        ]

    async def test_filters_that_are_unfit_are_named(self, api: Api) -> None:
        query = {"id": "42", "user_id": "x", "is_blocked": "perhaps"}

        assert await refused(api, "GET", "/clients", query=query) == validation(
            unfit("id", "cast", "is invalid", ("uuid",)),
            unfit("user_id", "cast", "is invalid", ("uuid",)),
            unfit("is_blocked", "cast", "is invalid", ("boolean",)),
        )
