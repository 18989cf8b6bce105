"""What the auditors' API needs beside `Deps`: mithril-api to ask, and room for exports."""

from collections.abc import AsyncIterator

import aiohttp
from aiohttp import web

from services.abac_log_consumer.deps import Deps
from services.abac_log_consumer.handlers import keys
from services.abac_log_consumer.handlers.room import Exports
from shared.peers.mithril import MithrilApi
from shared.runtime.postgres import connect


def equip(app: web.Application, deps: Deps) -> None:
    """Give it to an application, which opens it when it starts and closes it when it ends."""
    settings = deps.settings
    sessions: list[aiohttp.ClientSession] = []
    tokens = [token.get_secret_value() for token in settings.service_tokens]
    app[keys.MITHRIL] = MithrilApi(
        url=settings.mithril_api_url,
        session=lambda: sessions[0],
        service_token=tokens[0] if tokens else "",
    )
    app[keys.EXPORTS] = Exports(
        db=connect(
            settings.database_url.get_secret_value(),
            pool_size=settings.exports_most,
            application="abac-log-consumer exports",
            role=settings.database_role,
            # Of one fetch: an export of few records among many reads long before the first.
            statement_timeout_ms=600_000,
        ),
        most=settings.exports_most,
    )

    async def opened(app: web.Application) -> AsyncIterator[None]:
        async with aiohttp.ClientSession() as session:
            sessions.append(session)
            yield
            sessions.clear()
        await app[keys.EXPORTS].db.dispose()

    app.cleanup_ctx.append(opened)
