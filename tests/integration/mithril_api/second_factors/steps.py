"""The steps of a sign-in with a second factor, and what they are tried on."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pyotp
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from sqlalchemy import select

from services.mithril_api.app import build
from shared.models.schema import mithril as tables
from tests.builders import World
from tests.fakes import SteppingClock
from tests.integration.mithril_api.asking import (
    Answered,
    a_clinic,
    bearer,
    execute,
    log_in,
)
from tests.integration.mithril_api.conftest import SERVICE_TOKEN, Api, settings_for

NUMBER, OTHER_NUMBER = "+380670000001", "+380670000002"
RP_ID, ORIGIN = "localhost", "http://localhost:8085"


@dataclass
class Gateway:
    """An SMS gateway: takes what comes, or answers `status`; `meanwhile` happens first."""

    status: int = 200
    taken: list[dict[str, Any]] = field(default_factory=list)
    meanwhile: Callable[[dict[str, Any]], Awaitable[None]] | None = None

    async def send(self, request: web.Request) -> web.Response:
        self.taken.append(await request.json())
        if self.meanwhile is not None:
            await self.meanwhile(self.taken[-1])
        return web.json_response({}, status=self.status)

    def code(self) -> str:
        """The code of the latest message."""
        found = re.search(r"\d+\Z", self.taken[-1]["body"])
        assert found is not None
        return found.group()


@dataclass(frozen=True)
class Phones:
    """The service under test, the gateway beside it, and one doctor."""

    api: Api
    gateway: Gateway
    world: World

    async def a_factor(self, kind: str = "SMS", **but: Any) -> str:
        """Give the doctor a factor, as an operator would. Returns its id."""
        new_id = self.api.deps.entropy.uuid()
        number = NUMBER if kind == "SMS" else None
        row = {"id": new_id, "type": kind, "user_id": self.world.user_id, "factor": number}
        await execute(
            self.api, tables.authentication_factors.insert().values({**row, **but})
        )
        return str(new_id)

    async def pending(self, **but: Any) -> str:
        """Sign in with the password; the token that waits for the second factor."""
        status, body = await log_in(self.api, self.world, **but)
        assert (status, body["data"]["name"]) == (201, "2fa_access_token"), body
        return str(body["data"]["value"])

    async def session(self, **but: Any) -> str:
        """Sign in with the password alone, where that is enough."""
        status, body = await log_in(self.api, self.world, **but)
        assert (status, body["data"]["name"]) == (201, "access_token"), body
        return str(body["data"]["value"])

    async def authorize(self, token: str, otp: object = ..., **but: Any) -> Answered:
        """Answer with a second factor."""
        form = {"grant_type": "authorize_2fa_access_token", "otp": otp, **but}
        return await self._login(form, token)

    async def resend(self, token: str, **but: Any) -> Answered:
        """Ask for another code."""
        return await self._login({"grant_type": "refresh_2fa_access_token", **but}, token)

    async def init(self, token: str, kind: str = "SMS", **but: Any) -> Answered:
        """Begin to set up a factor."""
        form = {"type": kind, **({"factor": OTHER_NUMBER} if kind == "SMS" else {}), **but}
        return await self.post("init_factor", form, token)

    async def approve(self, token: str, **form: Any) -> Answered:
        """Show that it is at hand."""
        return await self.post("approve_factor", form, token)

    async def post(self, action: str, form: Mapping[str, Any], token: str) -> Answered:
        response = await self.api.public.post(
            f"/oauth/users/actions/{action}", json=form, headers=bearer(token)
        )
        return response.status, await response.json()

    async def factors(self, token: str) -> Answered:
        """The doctor's own factors."""
        response = await self.api.public.get("/oauth/user/factors", headers=bearer(token))
        return response.status, await response.json()

    async def remove(self, token: str, factor_id: str) -> tuple[int, Any]:
        """Remove one of them."""
        response = await self.api.public.delete(
            f"/oauth/user/factors/{factor_id}", headers=bearer(token)
        )
        return response.status, (await response.json()) if response.status != 204 else None

    async def by_sms(self) -> str:
        """A whole sign-in by SMS: the session."""
        token = await self.pending()
        status, body = await self.authorize(token, self.gateway.code())
        assert status == 201, body
        return str(body["data"]["value"])

    async def an_app(self, token: str, **but: Any) -> pyotp.TOTP:
        """Set up an authenticator app; the next step of time has come."""
        _, begun = await self.init(token, "TOTP", **but)
        app = pyotp.TOTP(begun["urgent"]["totp"]["secret"])
        code = app.at(self.api.clock.now())
        status, body = await self.approve(begun["data"]["value"], otp=code)
        assert status == 201, body
        self.api.clock.advance(timedelta(seconds=30))
        return app

    async def codes(self) -> list[tuple[str, int]]:
        """Status and attempts of every code, the oldest first."""
        o = tables.one_time_codes
        query = select(o.c.status, o.c.attempts_count).order_by(o.c.inserted_at, o.c.id)
        async with self.api.deps.db.begin() as conn:
            return [(row.status, row.attempts_count) for row in await conn.execute(query)]

    async def _login(self, form: Mapping[str, Any], token: str) -> Answered:
        given = {name: value for name, value in form.items() if value is not ...}
        response = await self.api.public.post(
            "/auth/login", json={"token": given}, headers=bearer(token)
        )
        body = await response.json()
        if "Retry-After" in response.headers:
            body["retry_after"] = int(response.headers["Retry-After"])
        return response.status, body


def refused(answered: Answered) -> tuple[int, str, str | None]:
    """Status, type and text of a refusal."""
    status, body = answered
    return status, body["error"]["type"], body["error"].get("message")


def wrong(code: str) -> str:
    """A code that is not this one."""
    return str((int(code) + 1) % 10 ** len(code)).zfill(len(code))


@asynccontextmanager
async def phones_of(
    database_url: str, clock: SteppingClock, **but: Any
) -> AsyncIterator[Phones]:
    """Everything, for as long as the block is; `but` overrides settings by field name."""
    gateway = Gateway()
    outside = web.Application()
    outside.router.add_post("/sms/send", gateway.send)
    async with TestServer(outside) as server:
        address = {"otp_endpoint": str(server.make_url("")).rstrip("/")}
        settings = settings_for(database_url, **{**address, **but})
        built = build(settings, clock=clock)
        headers = {"Authorization": f"Bearer {SERVICE_TOKEN}"}
        async with (
            TestClient(TestServer(built.public)) as public,
            TestClient(TestServer(built.internal), headers=headers) as internal,
        ):
            api = Api(built=built, clock=clock, public=public, internal=internal)
            yield Phones(api=api, gateway=gateway, world=await a_clinic(api.deps))
        await built.deps.db.dispose()
        built.deps.passwords.close()
