"""The composition root of mithril-scheduler."""

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web
from prometheus_client import CollectorRegistry

from services.scheduler.deps import Deps
from services.scheduler.handlers import keys, routes
from services.scheduler.jobs import CREATE_PARTITIONS, JOBS
from services.scheduler.metrics import Metrics
from services.scheduler.settings import Settings
from services.scheduler.timetable import Timetable
from services.scheduler.work import Job
from shared.peers.mithril import MithrilApi
from shared.peers.session import SharedSession
from shared.runtime import health, http, metrics, read_only, revisions, tracing
from shared.runtime.clock import Clock, SystemClock
from shared.runtime.entropy import Entropy, SystemEntropy
from shared.runtime.health import Readiness
from shared.runtime.metrics import HttpMetrics
from shared.runtime.postgres import connect
from shared.runtime.serve import Listener, Process

NAME = "mithril-scheduler"


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """The parts of the process, for `process` and for tests."""

    deps: Deps
    public: web.Application
    internal: web.Application
    readiness: Readiness
    timetable: Timetable
    registry: CollectorRegistry
    session: SharedSession

    async def close(self) -> None:
        """Close what was opened beside the applications."""
        await self.session.close()
        await self.deps.db.dispose()


def build(
    settings: Settings,
    *,
    clock: Clock | None = None,
    entropy: Entropy | None = None,
    jobs: Sequence[Job] = JOBS,
) -> Built:
    """Wire everything; opens nothing yet."""
    registry = metrics.registry()
    session = SharedSession(tracing.client_traces)
    deps = Deps(
        db=connect(
            settings.database_url.get_secret_value(),
            pool_size=settings.db_pool_size,
            application=NAME,
            schema=revisions.newest("mithril_api"),
            read_only=settings.read_only,
        ),
        clock=clock or SystemClock(),
        entropy=entropy or SystemEntropy(),
        settings=settings,
        metrics=Metrics(registry),
        mithril=MithrilApi(
            url=settings.mithril_api_url,
            session=session,
            service_token=settings.own_service_token(),
        ),
    )
    readiness = Readiness({"postgres": deps.db.ping})
    http_metrics = HttpMetrics(registry)
    public = http.make_app(listener="public", entropy=deps.entropy, metrics=http_metrics)
    internal = http.make_app(
        listener="internal", entropy=deps.entropy, metrics=http_metrics
    )
    internal[keys.DEPS] = deps
    internal[keys.JOBS] = tuple(jobs)
    internal[keys.MITHRIL] = deps.mithril
    internal.cleanup_ctx.append(session.while_serving)
    routes.add_internal(internal)
    if settings.read_only:
        read_only.refuse_changes(internal)
    health.add_routes(internal, readiness=readiness, registry=registry)

    async def stop_jobs(_: web.Application) -> None:
        # Before the listener waits for its requests: one of them may be running a job.
        deps.stop.set()

    internal.on_shutdown.append(stop_jobs)
    return Built(
        deps=deps,
        public=public,
        internal=internal,
        readiness=readiness,
        timetable=Timetable(deps, jobs, at_start=[CREATE_PARTITIONS]),
        registry=registry,
        session=session,
    )


async def process(settings: Settings) -> Process:
    """The process that `mithril mithril-scheduler serve` runs."""
    built = build(settings)
    return Process(
        name=NAME,
        listeners=[
            Listener(
                name="public", app=built.public, host=settings.host, port=settings.port
            ),
            Listener(
                name="internal",
                app=built.internal,
                host=settings.internal_host,
                port=settings.internal_port,
            ),
        ],
        readiness=built.readiness,
        background={} if settings.read_only else {"timetable": built.timetable.run},
        close=built.close,
    )


async def examine(settings: Settings) -> dict[str, str]:
    """Try each neighbour once: `ok`, or what went wrong in one line."""
    built = build(settings)
    readiness = Readiness({"postgres": built.deps.db.ping}, within=10.0)
    try:
        return await readiness.check()
    finally:
        await built.deps.db.dispose()
