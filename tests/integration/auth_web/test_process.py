"""The process itself: what its doctor says, and its probes."""

from uuid import UUID

from aiohttp.test_utils import TestServer

from services.auth_web import app as auth_web
from services.auth_web.settings import Settings
from tests.signing_in import Set


async def test_the_doctor_tries_mithril_api_and_looks_for_our_client(running: Set) -> None:
    values = running.pages.deps.settings.model_dump()
    assert await auth_web.examine(Settings(**values)) == {
        "mithril-api": "ok",
        "our client": "ok",
    }
    stranger = await auth_web.examine(Settings(**{**values, "client_id": str(UUID(int=1))}))
    assert "MITHRIL_AUTH_WEB_CLIENT_ID" in stranger["our client"]
    refused = await auth_web.examine(Settings(**{**values, "service_tokens": ("wrong",)}))
    assert "401" in refused["our client"]
    away = await auth_web.examine(
        Settings(**{**values, "mithril_api_url": "http://127.0.0.1:1"})
    )
    assert away["mithril-api"].startswith("SignInUnavailableError")


async def test_pages_are_ready_without_mithril_api_and_what_they_count_is_shown(
    running: Set,
) -> None:
    async with TestServer(running.pages.internal) as server:
        session = running.pages.peers()
        async with session.get(server.make_url("/readyz")) as answer:
            assert answer.status == 200
        async with session.get(server.make_url("/metrics")) as answer:
            assert "mithril_sign_in_steps" in await answer.text()


async def test_secrets_of_the_settings_are_not_printed(running: Set) -> None:
    assert "key-of-cookies" not in repr(running.pages.deps.settings)
    assert "service-token" not in repr(running.pages.deps)
