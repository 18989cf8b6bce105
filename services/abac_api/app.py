"""The composition root of abac-api."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from aiohttp import web
from prometheus_client import CollectorRegistry

from services.abac_api.actions.decide import Answered, Asked, decide_many
from services.abac_api.consume import FactsConsumer
from services.abac_api.deps import Deps
from services.abac_api.domain.policies import compiled
from services.abac_api.handlers import keys, routes
from services.abac_api.metrics import Metrics
from services.abac_api.settings import Settings
from services.abac_api.store import policies
from shared.runtime import health, http, metrics, revisions
from shared.runtime.clock import Clock, SystemClock
from shared.runtime.coalesce import Coalescer
from shared.runtime.entropy import Entropy, SystemEntropy
from shared.runtime.health import Readiness
from shared.runtime.kafka import idempotent_producer
from shared.runtime.metrics import HttpMetrics
from shared.runtime.postgres import DatabaseUnavailableError, connect
from shared.runtime.relay import Relay, RelayMetrics
from shared.runtime.serve import Listener, Process
from shared.runtime.upkeep import OutboxUpkeep

NAME = "abac-api"


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """The parts of the process, for `process` and for tests."""

    deps: Deps
    metrics: Metrics
    public: web.Application
    internal: web.Application
    readiness: Readiness
    relay: Relay
    upkeep: OutboxUpkeep
    consumer: FactsConsumer
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
            schema=revisions.newest("abac_api"),
            on_pool_wait=counted.pool_wait.observe,
        ),
        clock=clock or SystemClock(),
        entropy=entropy,
        settings=settings,
        policies=compiled(policies.read()),
        committed=relay.wake,
    )
    readiness = Readiness({"postgres": deps.db.ping})
    http_metrics = HttpMetrics(registry)
    public = http.make_app(listener="public", entropy=entropy, metrics=http_metrics)
    internal = http.make_app(listener="internal", entropy=entropy, metrics=http_metrics)
    public[keys.DECISIONS] = _decisions(deps, counted)
    for app in (public, internal):
        app[keys.DEPS] = deps
        app[keys.METRICS] = counted
    routes.add_public(public)
    routes.add_internal(internal)
    health.add_routes(internal, readiness=readiness, registry=registry, outbox=relay.state)
    return Built(
        deps=deps,
        metrics=counted,
        public=public,
        internal=internal,
        readiness=readiness,
        relay=relay,
        upkeep=OutboxUpkeep(
            deps.db,
            clock=deps.clock,
            kept_for=timedelta(days=settings.outbox_retention_days),
        ),
        consumer=FactsConsumer(deps=deps, metrics=counted, kafka=settings.kafka()),
        registry=registry,
    )


def _decisions(deps: Deps, counted: Metrics) -> Coalescer[Asked, Answered]:
    async def decide(asked: Sequence[Asked]) -> Sequence[Answered]:
        started = time.perf_counter()
        answers = await decide_many(deps, asked)
        counted.batch_duration.observe(time.perf_counter() - started)
        for answer in answers:
            counted.count(answer.decision)
        return answers

    return Coalescer(
        decide,
        most=deps.settings.batch_most,
        lanes=deps.settings.batch_lanes,
        fatal=(DatabaseUnavailableError,),
        observe=counted.batch_size.labels("decide").observe,
        name="decide",
    )


async def process(settings: Settings) -> Process:
    """The process that `mithril abac-api serve` runs."""
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
            "outbox relay": built.relay.run,
            "outbox upkeep": built.upkeep.run,
            "facts": built.consumer.run,
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
