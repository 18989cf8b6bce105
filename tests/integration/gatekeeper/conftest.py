"""gatekeeper in one loop, before a platform that speaks the contract and can be made to fail."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer

from services.gatekeeper.app import Built, build
from services.gatekeeper.settings import Settings
from tests.fakes import SteppingClock
from tests.integration.gatekeeper.platform import Platform, a_token
from tests.integration.gatekeeper.values import RULES, SERVICE_TOKEN


@dataclass(frozen=True)
class Gate:
    """The service under test."""

    built: Built
    public: TestClient[Any, Any]
    clock: SteppingClock

    async def verify(
        self,
        path: str,
        *,
        method: str = "GET",
        token: str | None = "good",
        **headers: str | None,
    ) -> ClientResponse:
        """Ask as nginx does."""
        sent = {
            "X-Original-URI": path,
            "X-Original-Method": method,
            "Authorization": None if token is None else f"Bearer {token}",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        given = {name: value for name, value in sent.items() if value is not None}
        return await self.public.get("/verify", headers=given)


MakeGate = Callable[..., Awaitable[Gate]]


@pytest.fixture
def clock() -> SteppingClock:
    return SteppingClock()


@pytest.fixture
def platform() -> Platform:
    return Platform(tokens={"good": a_token()})


@pytest.fixture
async def platform_url(platform: Platform) -> AsyncIterator[str]:
    async with TestServer(platform.app()) as server:
        yield str(server.make_url("/")).rstrip("/")


def settings_for(platform_url: str, directory: Path, **but: Any) -> Settings:
    """Settings that a test needs; `but` overrides by field name."""
    rules = directory / "rules.yaml"
    rules.write_text(but.pop("rules_text", RULES))
    values: dict[str, Any] = {
        "kafka_bootstrap_servers": "127.0.0.1:1",
        "service_tokens": (SERVICE_TOKEN,),
        "mithril_api_url": platform_url,
        "mithril_api_public_url": platform_url,
        "abac_api_url": platform_url,
        "rules_file": rules,
        **but,
    }
    return Settings(**values)


@pytest.fixture
async def make_gate(
    platform_url: str, clock: SteppingClock, tmp_path: Path
) -> AsyncIterator[MakeGate]:
    """Make a gatekeeper of a test's own settings; it does not listen to Kafka."""
    async with AsyncExitStack() as stack:

        async def made(**but: Any) -> Gate:
            built = build(settings_for(platform_url, tmp_path, **but), clock=clock)
            server = TestServer(built.public)
            public: TestClient[Any, Any] = await stack.enter_async_context(
                TestClient(server)
            )
            return Gate(built=built, public=public, clock=clock)

        yield made


@pytest.fixture
async def gate(make_gate: MakeGate) -> Gate:
    return await make_gate()
