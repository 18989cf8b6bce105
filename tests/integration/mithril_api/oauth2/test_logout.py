"""/oauth2/logout, as far as mithril-api answers it; and the security check over real rows."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from typer.testing import CliRunner

from services.cli import cli
from services.mithril_api.actions.check_security import check_security
from shared.models.schema import mithril as tables
from tests.builders import World
from tests.integration.mithril_api.conftest import Api
from tests.integration.mithril_api.oauth2.oauth import a_client, by_id, query_of

HOME = "https://clinic.test/bye"


async def ask(api: Api, query: dict[str, str]) -> tuple[int, str]:
    response = await api.public.get("/oauth2/logout", params=query, allow_redirects=False)
    return response.status, response.headers.get("Location", "")


def wish(world: World, **but: Any) -> dict[str, str]:
    return {**by_id(world), "post_logout_redirect_uri": HOME, "state": "a&b", **but}


async def test_a_browser_is_led_to_sign_out_with_where_to_come_back(api: Api) -> None:
    world = await a_client(api, post_logout_redirect_uris=[HOME])

    status, location = await ask(api, wish(world))

    assert status == 303
    assert location.startswith("http://localhost:8085/sign-out?")
    assert query_of(location) == wish(world)


async def test_without_a_place_to_come_back_to_it_just_signs_out(api: Api) -> None:
    assert await ask(api, {}) == (303, "http://localhost:8085/sign-out")


@pytest.mark.parametrize(
    "but",
    [
        {"post_logout_redirect_uri": "https://evil.test/"},
        {"post_logout_redirect_uri": HOME + "/"},
        {"client_id": "nonsense"},
        {"client_id": "6498d88e-97fb-47e2-85a5-99e884f888aa"},
    ],
)
async def test_nobody_is_led_to_what_is_not_registered(
    api: Api, but: dict[str, str]
) -> None:
    world = await a_client(api, post_logout_redirect_uris=[HOME])

    status, location = await ask(api, wish(world, **but))
    finished = await api.internal.post(
        "/admin/sign_outs/actions/finish", json=wish(world, **but)
    )

    assert (status, location) == (400, "")
    assert finished.status in {404, 422}


async def test_the_sign_in_pages_are_told_where_the_browser_goes(api: Api) -> None:
    world = await a_client(api, post_logout_redirect_uris=[HOME])

    response = await api.internal.post("/admin/sign_outs/actions/finish", json=wish(world))

    assert response.headers["Location"] == f"{HOME}?state=a%26b"


class TestSecurityCheck:
    """mithril mithril-api security-check."""

    async def test_it_sees_what_is_registered(self, api: Api) -> None:
        await a_client(api, token_endpoint_auth_method="nonsense")
        async with api.deps.db.begin() as conn:
            await conn.execute(
                update(tables.connections).values(redirect_uri="http://clinic.test/x")
            )
            await conn.execute(
                update(tables.connection_secrets).values(
                    inserted_at=api.clock.now() - timedelta(days=366)
                )
            )

        found = await check_security(api.deps)

        fallen = {item.point for item in found if item.level != "ok"}
        assert {
            "redirect URIs: TLS",
            "clients: settings",
            "client secrets: age",
            "MITHRIL_ISSUER",
        } <= fallen

    def test_it_says_so_and_fails_where_something_fails(
        self, mithril_database: str
    ) -> None:
        environment = {
            "DATABASE_URL": mithril_database,
            "MITHRIL_SECRET_KEYS": "k" * 32,
            "MITHRIL_SERVICE_TOKENS": "s" * 32,
            "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        }
        command = ["mithril-api", "security-check"]
        runner = CliRunner()

        without = runner.invoke(cli, command, env=environment)
        issuer = {"MITHRIL_ISSUER": "https://mithril.test"}
        issuer["MITHRIL_AUTH_WEB_URL"] = "https://id.mithril.test"
        within = runner.invoke(cli, command, env=environment | issuer)
        strict = runner.invoke(cli, [*command, "--strict"], env=environment | issuer)

        assert (without.exit_code, within.exit_code, strict.exit_code) == (1, 0, 1)
        assert "failure  MITHRIL_ISSUER: not set" in without.output
        assert "ok       MITHRIL_ISSUER: https" in within.output
        assert "k" * 32 not in without.output
