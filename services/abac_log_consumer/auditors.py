"""What the auditors' API needs beside `Deps`: mithril-api to ask, and room for exports."""

from collections.abc import AsyncIterator

from aiohttp import web

from services.abac_log_consumer.deps import Deps
from services.abac_log_consumer.handlers import keys
from services.abac_log_consumer.handlers.room import Exports
from shared.peers.mithril import MithrilApi
from shared.peers.session import SharedSession
from shared.runtime import tracing
from shared.runtime.postgres import connect


def equip(app: web.Application, deps: Deps) -> None:
    """Give it to an application, which opens it when it starts and closes it when it ends."""
    settings = deps.settings
    session = SharedSession(tracing.client_traces)
    app[keys.MITHRIL] = MithrilApi(
        url=settings.mithril_api_url,
        session=session,
        service_token=settings.own_service_token(),
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
        yield
        await app[keys.EXPORTS].db.dispose()

    app.cleanup_ctx.extend((session.while_serving, opened))
