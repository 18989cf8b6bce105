"""mithril-api and the emulated outside systems that it asks, in one loop."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import Table, func, select

from services.emulators import app as emulators
from services.emulators.settings import Settings as EmulatorsSettings
from services.mithril_api.app import build
from services.mithril_api.deps import Deps
from tests.fakes import SteppingClock
from tests.integration.mithril_api.conftest import SERVICE_TOKEN, Api, settings_for

DRFO = "3126509816"  # of whoever signs what names no signer


@dataclass(frozen=True)
class Town(Api):
    """The service under test, and who it asks."""

    outside: emulators.Built
    emulated: TestClient[Any, Any]

    async def fault(self, name: str, **fault: Any) -> None:
        """Make an outside system fail; without a fault, well again."""
        answer = await self.emulated.put(f"/faults/{name}", json=fault)
        assert answer.status == 200

    def letters(self) -> list[tuple[str, str]]:
        """To whom mails went, and what they said, the oldest first."""
        messages = self.outside.deps.outbox.newest_first()
        return [(item.to, item.body) for item in reversed(messages) if item.kind == "mail"]


@asynccontextmanager
async def an_api(database_url: str, clock: SteppingClock, **but: Any) -> AsyncIterator[Api]:
    """Both listeners, with settings of a test's own."""
    built = build(settings_for(database_url, **but), clock=clock)
    bearer = {"Authorization": f"Bearer {SERVICE_TOKEN}"}
    async with (
        TestClient(TestServer(built.public)) as public,
        TestClient(TestServer(built.internal), headers=bearer) as internal,
    ):
        yield Api(built=built, clock=clock, public=public, internal=internal)
    await built.deps.db.dispose()
    built.deps.passwords.close()


@asynccontextmanager
async def a_town(
    database_url: str, clock: SteppingClock, **but: Any
) -> AsyncIterator[Town]:
    """The same beside the emulators of all outside systems but reCAPTCHA. No postman runs."""
    settings = EmulatorsSettings(
        smtp_port=0, signer_drfo=DRFO, service_tokens=(SERVICE_TOKEN,)
    )
    outside = emulators.build(settings, clock=clock)
    stop = asyncio.Event()
    mail = asyncio.create_task(outside.mail.run(stop))
    try:
        async with TestClient(TestServer(outside.public)) as emulated:
            while outside.mail.port is None:
                await asyncio.sleep(0.005)
            url = str(emulated.make_url("")).rstrip("/")
            systems: dict[str, Any] = {
                "smtp_url": f"smtp://127.0.0.1:{outside.mail.port}?starttls=never",
                "digital_signature_enabled": True,
                "digital_signature_endpoint": url + "/signatures",
                "mpi_endpoint": url + "/mpi",
                "recaptcha_verify_url": url + "/recaptcha",
                "breach_list_endpoint": url + "/breach-list",
                "breach_list_request_timeout": 30_000,  # a busy machine is no absent list
            }
            async with an_api(database_url, clock, **(systems | but)) as api:
                yield Town(
                    built=api.built,
                    clock=clock,
                    public=api.public,
                    internal=api.internal,
                    outside=outside,
                    emulated=emulated,
                )
    finally:
        stop.set()
        await mail


async def count(deps: Deps, table: Table) -> int:
    """How many rows a table has."""
    async with deps.db.read() as conn:
        query = select(func.count()).select_from(table)
        return int((await conn.execute(query)).scalar_one())


def signed(content: dict[str, Any]) -> str:
    """Content as the emulated signature service takes it."""
    return base64.b64encode(json.dumps(content).encode()).decode()
