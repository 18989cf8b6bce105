"""The composition root of the emulators."""

from dataclasses import dataclass

from aiohttp import web
from prometheus_client import CollectorRegistry

from services.emulators.deps import Deps
from services.emulators.domain.outbox import Outbox
from services.emulators.handlers import keys, routes
from services.emulators.mail import MailServer
from services.emulators.settings import Settings
from shared.peers.session import SharedSession
from shared.runtime import health, http, metrics, tracing
from shared.runtime.clock import Clock, SystemClock
from shared.runtime.entropy import Entropy, SystemEntropy
from shared.runtime.health import Readiness
from shared.runtime.metrics import HttpMetrics
from shared.runtime.serve import Listener, Process

NAME = "emulators"


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """The parts of the process, for `process` and for tests."""

    deps: Deps
    public: web.Application
    internal: web.Application
    readiness: Readiness
    mail: MailServer
    registry: CollectorRegistry


def build(
    settings: Settings, *, clock: Clock | None = None, entropy: Entropy | None = None
) -> Built:
    """Wire everything; opens nothing yet."""
    registry = metrics.registry()
    entropy = entropy or SystemEntropy()
    deps = Deps(
        clock=clock or SystemClock(),
        entropy=entropy,
        settings=settings,
        outbox=Outbox(settings.outbox_most),
        session=SharedSession(tracing.client_traces),
    )
    mail = MailServer(deps)
    readiness = Readiness({"smtp": mail.ping})
    http_metrics = HttpMetrics(registry)
    public = http.make_app(listener="public", entropy=entropy, metrics=http_metrics)
    internal = http.make_app(listener="internal", entropy=entropy, metrics=http_metrics)
    for app in (public, internal):
        app[keys.DEPS] = deps
    public.cleanup_ctx.append(deps.session.while_serving)
    routes.add_public(public)
    routes.add_internal(internal)
    health.add_routes(internal, readiness=readiness, registry=registry)
    return Built(
        deps=deps,
        public=public,
        internal=internal,
        readiness=readiness,
        mail=mail,
        registry=registry,
    )


async def process(settings: Settings) -> Process:
    """The process that `mithril emulators serve` runs."""
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
        background={"mail server": built.mail.run},
        close=built.deps.session.close,
    )
