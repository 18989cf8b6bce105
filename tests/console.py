"""The console before the services that it shows: all in one loop, each with its database."""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from typing import Any
from uuid import UUID

from aiohttp.test_utils import BaseTestServer, TestServer
from sqlalchemy import text

from services.abac_log_consumer import app as audit_log
from services.abac_log_consumer.settings import Settings as AuditSettings
from services.admin_web import app as admin_web
from services.admin_web.settings import Settings
from services.mithril_api import app as mithril_api
from services.mithril_api.settings import Settings as MithrilSettings
from services.scheduler import app as scheduler
from services.scheduler.settings import Settings as SchedulerSettings
from shared.models.tokens import TokenName
from tests.builders import World, a_token, a_world, store
from tests.fakes import SteppingClock
from tests.pages import Page

SERVICE_TOKEN = "service-token-for-tests"
NOBODY = "11111111-1111-4111-8111-111111111111"  # an id that nothing has
NOWHERE = "http://127.0.0.1:1"  # refuses connections
EVERYTHING = (
    *("user:read", "user:write", "user:block", "user:unblock", "user:delete"),
    *("authentication_factor:read", "authentication_factor:write"),
    *("client:read", "client:write", "client:delete"),
    *("client_type:read", "client_type:write", "role:read", "role:write"),
    *("token:read", "token:write", "token:delete"),
    *("scheduler:read", "scheduler:run", "abac_log:read", "abac_log:export"),
)


@dataclass(kw_only=True)
class Console:
    """What runs. The world's doctor is the one who is looked at; the operator is another."""

    url: str
    built: admin_web.Built
    mithril: mithril_api.Built
    audit: audit_log.Built
    servers: dict[str, BaseTestServer]  # by the name of the service; closed to take it away
    world: World
    operator: World
    clock: SteppingClock

    async def bearer(self, scope: Sequence[str] = EVERYTHING) -> dict[str, str]:
        """The header that gatekeeper adds for an operator with this scope."""
        minted = a_token(
            self.mithril.deps,
            TokenName.ACCESS,
            self.operator.user_id,
            self.operator.client_id,
            scope=scope,
            lives=timedelta(hours=1),
        )
        await store(self.mithril.deps, minted)
        return {"Authorization": f"Bearer {minted.value}"}

    async def events(self, kind: str) -> list[dict[str, Any]]:
        """The data of mithril-api's events of a kind, in order."""
        query = text("SELECT payload FROM outbox WHERE type = :kind ORDER BY position")
        async with self.mithril.deps.db.begin() as conn:
            return list((await conn.execute(query, {"kind": kind})).scalars())

    async def do(self, statement: Any) -> None:
        """Change mithril's tables behind the services' backs."""
        async with self.mithril.deps.db.begin() as conn:
            await conn.execute(statement)

    @property
    def operator_id(self) -> UUID:
        return self.operator.user_id


def words(page: Page) -> str:
    """What a page says, cell by cell."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.body)).split())


@asynccontextmanager
async def started(
    mithril_database: str,
    audit_database: str,
    clock: SteppingClock,
    *,
    port: int = 0,
    **but: Any,
) -> AsyncIterator[Console]:
    """Run it all; `but` overrides settings of the console."""
    async with AsyncExitStack() as stack:
        mithril = mithril_api.build(_mithril_settings(mithril_database), clock=clock)
        internal = await stack.enter_async_context(TestServer(mithril.internal))
        at_mithril = str(internal.make_url("/"))
        jobs = scheduler.build(
            SchedulerSettings(
                database_url=mithril_database,
                service_tokens=(SERVICE_TOKEN,),
                mithril_api_url=at_mithril,
            ),
            clock=clock,
        )
        audit = audit_log.build(_audit_settings(audit_database, at_mithril), clock=clock)
        at_jobs = await stack.enter_async_context(TestServer(jobs.internal))
        at_audit = await stack.enter_async_context(TestServer(audit.public))
        within_audit = await stack.enter_async_context(TestServer(audit.internal))
        settings: dict[str, Any] = {
            "cookie_keys": ("key-of-cookies-for-tests",),
            "service_tokens": (SERVICE_TOKEN,),
            "mithril_api_url": at_mithril,
            "scheduler_url": str(at_jobs.make_url("/")),
            "abac_api_url": NOWHERE,
            "audit_url": str(at_audit.make_url("/")),
            "audit_internal_url": str(within_audit.make_url("/")),
            "audit_public_keys": (audit.deps.settings.signer.public.hex(),),
            **but,
        }
        built = admin_web.build(Settings(**settings), clock=clock)
        server = await stack.enter_async_context(TestServer(built.public, port=port))
        stack.push_async_callback(mithril.deps.db.dispose)
        stack.push_async_callback(jobs.deps.db.dispose)
        stack.push_async_callback(audit.deps.db.dispose)
        stack.callback(mithril.deps.passwords.close)
        yield Console(
            url=str(server.make_url("")),
            built=built,
            mithril=mithril,
            audit=audit,
            servers={
                "mithril-api": internal,
                "mithril-scheduler": at_jobs,
                "abac-log-consumer": at_audit,
            },
            world=await a_world(mithril.deps),
            operator=await a_world(mithril.deps),
            clock=clock,
        )


def _mithril_settings(url: str) -> MithrilSettings:
    return MithrilSettings(
        database_url=url,
        secret_keys=("key-for-tests-0123456789",),
        service_tokens=(SERVICE_TOKEN,),
        kafka_bootstrap_servers="127.0.0.1:1",
        db_pool_size=5,
        password_memory_kib=64,
        password_passes=1,
    )


def _audit_settings(url: str, mithril: str) -> AuditSettings:
    return AuditSettings(
        database_url=url,
        kafka_bootstrap_servers="127.0.0.1:1",
        service_tokens=(SERVICE_TOKEN,),
        signing_key="01" * 32,
        mithril_api_url=mithril,
        db_pool_size=4,
    )
