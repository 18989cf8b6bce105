"""The emulators in one loop, and mithril-api's clients before them."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer

from services.emulators.app import Built, build
from services.emulators.settings import Settings
from shared.peers.settings import OutsideSettings, OutsideSystems, outside_systems
from shared.runtime.entropy import SystemEntropy
from tests.fakes import SteppingClock

SERVICE_TOKEN = "service-token-for-tests"
DRFO = "7777777777"


@dataclass(frozen=True)
class Emulators:
    """What is emulated, and who asks."""

    built: Built
    clock: SteppingClock
    public: TestClient[Any, Any]
    internal: TestClient[Any, Any]
    systems: OutsideSystems

    async def outbox(self) -> list[dict[str, Any]]:
        answer = await self.public.get("/outbox.json")
        messages: list[dict[str, Any]] = await answer.json()
        return messages

    async def fault(self, name: str, **fault: Any) -> None:
        answer = await self.public.put(f"/faults/{name}", json=fault)
        assert answer.status == 200


@pytest.fixture
async def emulators() -> AsyncIterator[Emulators]:
    clock, entropy = SteppingClock(), SystemEntropy()
    settings = Settings(
        smtp_port=0, outbox_most=3, signer_drfo=DRFO, service_tokens=(SERVICE_TOKEN,)
    )
    built = build(settings, clock=clock)
    stop = asyncio.Event()
    mail = asyncio.create_task(built.mail.run(stop))
    bearer = {"Authorization": f"Bearer {SERVICE_TOKEN}"}
    async with (
        TestClient(TestServer(built.public)) as public,
        TestClient(TestServer(built.internal), headers=bearer) as internal,
        aiohttp.ClientSession() as session,
    ):
        while built.mail.port is None:
            await asyncio.sleep(0.01)
        url = str(public.make_url("")).rstrip("/")
        systems = outside_systems(
            OutsideSettings(
                otp_endpoint=url + "/sms-gateway",
                smtp_url=f"smtp://127.0.0.1:{built.mail.port}",
                digital_signature_enabled=True,
                digital_signature_endpoint=url + "/signatures",
                mpi_endpoint=url + "/mpi",
                recaptcha_verify_url=url + "/recaptcha",
                recaptcha_secret="s",
                breach_list_endpoint=url + "/breach-list",
                otp_request_timeout=500,
            ),
            session=lambda: session,
            now=clock.now,
            unique=entropy.uuid,
        )
        yield Emulators(
            built=built, clock=clock, public=public, internal=internal, systems=systems
        )
    stop.set()
    await mail
