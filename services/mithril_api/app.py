"""The composition root of mithril-api."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from aiohttp import web
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from services.mithril_api.actions.check_security import check_security
from services.mithril_api.actions.deliver_mail import Delivery, deliver_mail
from services.mithril_api.actions.oauth2 import authenticate_client, deliver_logout
from services.mithril_api.actions.oauth2.authenticate_client import ClientAsked
from services.mithril_api.actions.oauth2.keep_signing_keys import Kept, rotate_signing_keys
from services.mithril_api.actions.refresh_batch import Outcome, RefreshAsked
from services.mithril_api.actions.refresh_tokens import refresh_many
from services.mithril_api.actions.reseal_secrets import Resealed, reseal_secrets
from services.mithril_api.actions.verify_tokens import VerifyAsked, verify_many
from services.mithril_api.deps import Deps
from services.mithril_api.domain.oauth2.signing_keys import Alg, SigningKey, state_of
from services.mithril_api.domain.security_check import Finding
from services.mithril_api.domain.verification import Verdict
from services.mithril_api.handlers import description, keys, read_only, routes
from services.mithril_api.handlers.document import document_of
from services.mithril_api.leases import QuotaLeases
from services.mithril_api.metrics import Metrics
from services.mithril_api.postman import Postman
from services.mithril_api.ring import RingCache
from services.mithril_api.settings import Settings
from services.mithril_api.store import signing_keys
from services.mithril_api.uses import ConnectionUses
from shared.peers.backchannel import Backchannel
from shared.peers.session import SharedSession
from shared.peers.settings import outside_systems
from shared.runtime import health, http, metrics, revisions, tracing
from shared.runtime.clock import Clock, SystemClock
from shared.runtime.coalesce import Coalescer
from shared.runtime.entropy import Entropy, SystemEntropy
from shared.runtime.gate import Gate
from shared.runtime.health import Readiness
from shared.runtime.kafka import idempotent_producer
from shared.runtime.metrics import HttpMetrics
from shared.runtime.passwords import PasswordHasher
from shared.runtime.postgres import DatabaseUnavailableError, connect
from shared.runtime.relay import Relay, RelayMetrics
from shared.runtime.serve import Background, Listener, Process

NAME = "mithril-api"

Item = TypeVar("Item")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """The parts of the process, for `process` and for tests."""

    deps: Deps
    public: web.Application
    internal: web.Application
    readiness: Readiness
    relay: Relay
    postman: Postman
    logout_postman: Postman
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
    clock = clock or SystemClock()
    session = SharedSession(tracing.client_traces)
    outside = outside_systems(settings, session=session, now=clock.now, unique=entropy.uuid)
    woken, session_over = asyncio.Event(), asyncio.Event()
    db = connect(
        database_url,
        pool_size=settings.db_pool_size,
        application=NAME,
        schema=revisions.newest("mithril_api"),
        read_only=settings.read_only,
        on_pool_wait=counted.pool_wait.observe,
    )
    deps = Deps(
        db=db,
        clock=clock,
        entropy=entropy,
        settings=settings,
        passwords=PasswordHasher(
            workers=settings.password_workers,
            passes=settings.password_passes,
            memory_kib=settings.password_memory_kib,
            queue=settings.password_queue,
            on_wait=counted.passwords_waiting.set,
        ),
        sign_ins=Gate(
            most=max(1, settings.db_pool_size // 2), queue=settings.sign_in_queue
        ),
        metrics=counted,
        committed=relay.wake,
        uses=ConnectionUses(db),
        quotas=QuotaLeases(),
        ring=RingCache(),
        owed=woken.set,
        session_over=session_over.set,
        backchannel=Backchannel(
            session=session, deadline=settings.backchannel_logout_timeout / 1000
        ),
        sms=outside.sms,
        mailer=outside.mailer,
        signatures=outside.signatures,
        persons=outside.persons,
        recaptcha=outside.recaptcha,
        breaches=outside.breaches,
    )
    readiness = Readiness({"postgres": deps.db.ping})
    http_metrics = HttpMetrics(registry)
    public = http.make_app(listener="public", entropy=entropy, metrics=http_metrics)
    internal = http.make_app(listener="internal", entropy=entropy, metrics=http_metrics)
    refreshes, verifies = _coalescers(deps, counted)
    clients = _coalescer_of_clients(deps, counted)
    for app in (public, internal):
        app[keys.DEPS] = deps
        app[keys.METRICS] = counted
        app[keys.REFRESHES] = refreshes
        app[keys.VERIFIES] = verifies
        app[keys.CLIENTS] = clients
        app.cleanup_ctx.append(session.while_serving)
    routes.add_public(public)
    routes.add_internal(internal)
    description.add_routes(public, internal, page=settings.api_page == "on")
    if settings.read_only:
        for app in (public, internal):
            read_only.refuse_changes(app)
    health.add_routes(internal, readiness=readiness, registry=registry, outbox=relay.state)
    return Built(
        deps=deps,
        public=public,
        internal=internal,
        readiness=readiness,
        relay=relay,
        postman=Postman(_mails(deps), woken=woken),
        logout_postman=Postman(_logouts(deps), woken=session_over, hands=4),
        registry=registry,
    )


def describe() -> dict[str, Any]:
    """The OpenAPI document of both listeners, of a service that is never started."""
    settings = Settings(
        database_url=SecretStr("postgresql://nobody@localhost/none"),
        secret_keys=(SecretStr("never-used-for-anything"),),
        kafka_bootstrap_servers="localhost:9092",
        api_page="on",
    )
    built = build(settings)
    built.deps.passwords.close()
    return document_of({"public": built.public, "internal": built.internal})


def _mails(deps: Deps) -> Callable[[], Awaitable[bool]] | None:
    mailer = deps.mailer
    if mailer is None:
        return None

    async def deliver() -> bool:
        return await deliver_mail(deps, mailer) is not Delivery.NOTHING_DUE

    return deliver


def _logouts(deps: Deps) -> Callable[[], Awaitable[bool]]:
    async def deliver() -> bool:
        outcome = await deliver_logout.deliver_logout(deps)
        return outcome is not deliver_logout.Delivery.NOTHING_DUE

    return deliver


def _coalescers(
    deps: Deps, counted: Metrics
) -> tuple[Coalescer[RefreshAsked, Outcome], Coalescer[VerifyAsked, Verdict]]:
    async def refresh(asked: Sequence[RefreshAsked]) -> Sequence[Outcome]:
        return await refresh_many(deps, asked)

    async def verify(asked: Sequence[VerifyAsked]) -> Sequence[Verdict]:
        return await verify_many(deps, asked)

    return (
        _coalescer(deps, counted, refresh, "refresh"),
        _coalescer(deps, counted, verify, "verify"),
    )


def _coalescer_of_clients(
    deps: Deps, counted: Metrics
) -> Coalescer[ClientAsked, authenticate_client.Outcome]:
    async def authenticate(
        asked: Sequence[ClientAsked],
    ) -> Sequence[authenticate_client.Outcome]:
        return await authenticate_client.authenticate_many(deps, asked)

    return _coalescer(deps, counted, authenticate, "authenticate")


def _coalescer(
    deps: Deps,
    counted: Metrics,
    answer_many: Callable[[Sequence[Item]], Awaitable[Sequence[Answer]]],
    operation: str,
) -> Coalescer[Item, Answer]:
    return Coalescer(
        answer_many,
        most=deps.settings.batch_most,
        lanes=deps.settings.batch_lanes,
        fatal=(DatabaseUnavailableError,),
        observe=counted.batch_size.labels(operation).observe,
        name=operation,
    )


def _background(built: Built) -> dict[str, Background]:
    """What writes without being asked."""
    return {
        "outbox relay": built.relay.run,
        "postman": built.postman.run,
        "logout postman": built.logout_postman.run,
        "connection uses": built.deps.uses.run,
    }


async def process(settings: Settings) -> Process:
    """The process that `mithril mithril-api serve` runs."""
    built = build(settings)

    async def close() -> None:
        await built.deps.db.dispose()
        built.deps.passwords.close()

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
        background={} if settings.read_only else _background(built),
        close=close,
    )


async def check_security_of(settings: Settings) -> list[Finding]:
    """Hold a deployment against the best current practice."""
    built = build(settings)
    try:
        return await check_security(built.deps)
    finally:
        await built.deps.db.dispose()
        built.deps.passwords.close()


async def reseal(settings: Settings) -> Resealed:
    """Seal what is sealed under a former key under the present one."""
    built = build(settings)
    try:
        return await reseal_secrets(built.deps)
    finally:
        await built.deps.db.dispose()
        built.deps.passwords.close()


async def known_keys(settings: Settings) -> list[tuple[SigningKey, str]]:
    """The signing keys, and what each of them does now."""
    built = build(settings)
    try:
        async with built.deps.db.read() as conn:
            keys = await signing_keys.all_of(conn)
    finally:
        await built.deps.db.dispose()
        built.deps.passwords.close()
    now = built.deps.clock.now()
    return [(key, state_of(key, now)) for key in keys]


async def rotate_keys(
    settings: Settings, algs: Sequence[Alg], *, compromised: bool
) -> Kept:
    """Replace signing keys at once."""
    built = build(settings)
    try:
        return await rotate_signing_keys(built.deps, algs, compromised=compromised)
    finally:
        await built.deps.db.dispose()
        built.deps.passwords.close()


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
        built.deps.passwords.close()
