"""The composition root of abac-log-consumer."""

from dataclasses import dataclass

from aiohttp import web
from prometheus_client import CollectorRegistry

from services.abac_log_consumer import auditors
from services.abac_log_consumer.consume import Consumer
from services.abac_log_consumer.deps import Deps
from services.abac_log_consumer.handlers import routes
from services.abac_log_consumer.housekeeping import Housekeeping
from services.abac_log_consumer.metrics import Metrics
from services.abac_log_consumer.settings import Settings
from shared.runtime import health, http, metrics, revisions
from shared.runtime.clock import Clock, SystemClock
from shared.runtime.entropy import Entropy, SystemEntropy
from shared.runtime.health import Readiness
from shared.runtime.kafka import idempotent_producer
from shared.runtime.metrics import HttpMetrics
from shared.runtime.postgres import connect
from shared.runtime.relay import Relay, RelayMetrics
from shared.runtime.serve import Listener, Process

NAME = "abac-log-consumer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """The parts of the process, for `process` and for tests."""

    deps: Deps
    public: web.Application
    internal: web.Application
    readiness: Readiness
    relay: Relay
    consumer: Consumer
    registry: CollectorRegistry


def build(
    settings: Settings, *, clock: Clock | None = None, entropy: Entropy | None = None
) -> Built:
    """Wire everything; opens nothing yet."""
    registry = metrics.registry()
    counted = Metrics(registry)
    entropy = entropy or SystemEntropy()
    database_url = settings.database_url.get_secret_value()
    relay = Relay(
        database_url=database_url,
        kafka=settings.kafka(),
        source=NAME,
        metrics=RelayMetrics(registry),
    )
    deps = Deps(
        db=connect(
            database_url,
            pool_size=settings.db_pool_size,
            application=NAME,
            role=settings.database_role,
            schema=revisions.newest("abac_log_consumer"),
            on_pool_wait=counted.pool_wait.observe,
        ),
        clock=clock or SystemClock(),
        entropy=entropy,
        settings=settings,
        metrics=counted,
        committed=relay.wake,
    )
    consumer = Consumer(deps)
    readiness = Readiness({"postgres": deps.db.ping, "kafka": consumer.ping})
    http_metrics = HttpMetrics(registry)
    public = http.make_app(listener="public", entropy=entropy, metrics=http_metrics)
    internal = http.make_app(listener="internal", entropy=entropy, metrics=http_metrics)
    auditors.equip(public, deps)
    routes.add_public(public, deps)
    routes.add_internal(internal, deps)
    health.add_routes(internal, readiness=readiness, registry=registry, outbox=relay.state)
    return Built(
        deps=deps,
        public=public,
        internal=internal,
        readiness=readiness,
        relay=relay,
        consumer=consumer,
        registry=registry,
    )


async def process(settings: Settings) -> Process:
    """The process that `mithril abac-log-consumer serve` runs."""
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
        background={
            "recording": built.consumer.run,
            "outbox relay": built.relay.run,
            "housekeeping": Housekeeping(built.deps).run,
        },
        close=built.deps.db.dispose,
    )


async def examine(settings: Settings) -> dict[str, str]:
    """Try each neighbour once: `ok`, or what went wrong in one line."""
    built = build(settings)

    async def kafka() -> None:
        producer = idempotent_producer(settings.kafka(), client_id=f"{NAME}-doctor")
        try:
            await producer.start()
        finally:
            await producer.stop()

    readiness = Readiness({"postgres": built.deps.db.ping, "kafka": kafka}, within=10.0)
    try:
        return await readiness.check()
    finally:
        await built.deps.db.dispose()
