"""The set that a sign-in needs, in one loop: mithril-api, auth-web, emulators, one clinic."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from aiohttp.test_utils import TestServer

from services.auth_web import app as auth_web
from services.auth_web.settings import Settings as AuthWebSettings
from services.emulators import app as emulators
from services.emulators.settings import Settings as EmulatorsSettings
from services.mithril_api import app as mithril_api
from services.mithril_api.actions.deliver_mail import Delivery, deliver_mail
from services.mithril_api.settings import Settings as MithrilSettings
from shared.models.schema import mithril as tables
from tests.builders import World, a_world
from tests.fakes import SteppingClock

SERVICE_TOKEN = "service-token-for-tests"
COOKIE_KEY = "key-of-cookies-for-tests"


@dataclass(kw_only=True)
class Set:
    """What runs."""

    api: mithril_api.Built
    pages: auth_web.Built
    outside: emulators.Built
    world: World
    clock: SteppingClock
    url: str
    public: str  # of mithril-api
    client_id: str  # of auth-web
    api_servers: list[TestServer] = field(default_factory=list)

    def query(self, **but: str | None) -> str:
        """The query by which the clinic sends a browser to `/sign-in`."""
        asked: dict[str, str | None] = {
            "client_id": str(self.world.client_id),
            "redirect_uri": self.world.redirect_uri,
            "scope": "episode:read person:read",
            "state": "a state/+&",
            **but,
        }
        return urlencode(
            {name: value for name, value in asked.items() if value is not None}
        )

    async def forget_consents(self) -> None:
        """As if the doctor had never allowed anything."""
        async with self.api.deps.db.begin() as conn:
            await conn.execute(tables.apps.delete())

    async def add_phone(self, number: str | None) -> None:
        """Give the doctor a factor of type SMS; without a number it is to be set up."""
        async with self.api.deps.db.begin() as conn:
            await conn.execute(
                tables.authentication_factors.insert().values(
                    id=self.api.deps.entropy.uuid(),
                    user_id=self.world.user_id,
                    type="SMS",
                    factor=number,
                )
            )

    async def be_a_person(self, tax_id: str) -> None:
        """Let the doctor be known to the patient index, and by a tax number."""
        person = str(self.api.deps.entropy.uuid())
        async with self.api.deps.db.begin() as conn:
            await conn.execute(
                tables.users.update()
                .where(tables.users.c.id == self.world.user_id)
                .values(tax_id=tax_id, person_id=person)
            )
        known = {"id": person, "status": "ACTIVE", "tax_id": tax_id}
        self.outside.deps.persons[person] = dict(known)

    async def deliver(self) -> None:
        """Have every owed mail sent."""
        deps = self.api.deps
        assert deps.mailer is not None
        while await deliver_mail(deps, deps.mailer) is not Delivery.NOTHING_DUE:
            pass

    def code(self) -> str:
        """The one-time code of the latest SMS."""
        return self.said("sms")[0].split()[-1]

    def said(self, kind: str) -> list[str]:
        """Bodies of the messages that went out, the newest first."""
        return [
            item.body
            for item in self.outside.deps.outbox.newest_first()
            if item.kind == kind
        ]


@asynccontextmanager
async def started(
    database_url: str,
    clock: SteppingClock,
    *,
    redirect_uri: str | None = None,
    port: int = 0,
    api_settings: dict[str, Any] | None = None,
    captcha: bool = False,
    **but: Any,
) -> AsyncIterator[Set]:
    """Start the set; `but` overrides settings of auth-web by field name.

    With `captcha` sign-ins need one: the emulators' widget and verifier.
    """
    async with AsyncExitStack() as stack:
        outside = emulators.build(EmulatorsSettings(smtp_port=0), clock=clock)
        outside_server = await _serve(stack, outside.public)
        outside_url = str(outside_server.make_url("")).rstrip("/")
        smtp = await _mail_server(stack, outside)
        widget = {
            "recaptcha_site_key": "site-key",
            "recaptcha_script_url": f"{outside_url}/recaptcha/api.js",
        }
        api = mithril_api.build(
            _mithril_settings(
                database_url,
                port,
                outside_url,
                smtp_url=smtp,
                recaptcha_secret="secret" if captcha else None,
                **(api_settings or {}),
            ),
            clock=clock,
        )
        servers = [await _serve(stack, api.public), await _serve(stack, api.internal)]
        public, internal = (str(server.make_url("")).rstrip("/") for server in servers)
        world = await a_world(api.deps)
        client_id = await _own_client(api, world.user_id)
        if redirect_uri is not None:
            world = await _redirected(api, world, redirect_uri)
        values: dict[str, Any] = {
            "mithril_api_url": internal,
            "mithril_api_public_url": public,
            "service_tokens": (SERVICE_TOKEN,),
            "cookie_keys": (COOKIE_KEY,),
            "client_id": str(client_id),
            "default_language": "en",
            "url": f"http://localhost:{port or 8085}",
            **(widget if captcha else {}),
            **but,
        }
        pages = auth_web.build(AuthWebSettings(**values), clock=clock)
        server = await _serve(stack, pages.public, port)
        yield Set(
            api=api,
            pages=pages,
            outside=outside,
            world=world,
            clock=clock,
            url=str(server.make_url("")).rstrip("/"),
            public=public,
            client_id=str(client_id),
            api_servers=servers,
        )
    await api.deps.db.dispose()
    api.deps.passwords.close()


def _mithril_settings(
    database_url: str, port: int, outside: str, **but: Any
) -> MithrilSettings:
    values: dict[str, Any] = {
        "database_url": database_url,
        "secret_keys": ("key-for-tests-0123456789",),
        "service_tokens": (SERVICE_TOKEN,),
        "kafka_bootstrap_servers": "127.0.0.1:1",
        "db_pool_size": 5,
        "password_memory_kib": 64,
        "password_passes": 1,
        "otp_endpoint": f"{outside}/sms-gateway",
        "digital_signature_enabled": True,
        "digital_signature_endpoint": f"{outside}/signatures",
        "mpi_endpoint": f"{outside}/mpi",
        "recaptcha_verify_url": f"{outside}/recaptcha",
        "auth_web_url": f"http://localhost:{port or 8085}",
        "webauthn_origins": (f"http://localhost:{port or 8085}",),
        "issuer": "https://mithril.test",
        **but,
    }
    return MithrilSettings(**values)


async def _mail_server(stack: AsyncExitStack, outside: emulators.Built) -> str:
    stop = asyncio.Event()
    serving = asyncio.create_task(outside.mail.run(stop))

    async def end() -> None:
        stop.set()
        await serving

    stack.push_async_callback(end)
    while outside.mail.port is None:
        await asyncio.sleep(0)
    return f"smtp://127.0.0.1:{outside.mail.port}"


async def _serve(stack: AsyncExitStack, app: Any, port: int = 0) -> TestServer:
    server = TestServer(app, port=port or None)
    await stack.enter_async_context(server)
    return server


async def _own_client(api: mithril_api.Built, owner: UUID) -> UUID:
    """The client of auth-web itself, of a type like `Auth_FE`."""
    deps = api.deps
    kind, client = deps.entropy.uuid(), deps.entropy.uuid()
    async with deps.db.begin() as conn:
        await conn.execute(
            tables.client_types.insert().values(
                id=kind,
                name=f"Auth_FE {kind}",
                scope=["app:authorize", "user:change_password"],
            )
        )
        await conn.execute(
            tables.clients.insert().values(
                id=client,
                name="auth-web",
                user_id=owner,
                client_type_id=kind,
                settings={
                    "allowed_grant_types": [
                        "password",
                        "change_password",
                        "digital_signature",
                    ]
                },
                priv_settings={"access_type": "DIRECT"},
            )
        )
    return client


async def _redirected(api: mithril_api.Built, world: World, uri: str) -> World:
    async with api.deps.db.begin() as conn:
        await conn.execute(
            tables.connections.update()
            .where(tables.connections.c.id == world.connection_id)
            .values(redirect_uri=uri)
        )
    values = {name: getattr(world, name) for name in world.__dataclass_fields__}
    return World(**{**values, "redirect_uri": uri})
