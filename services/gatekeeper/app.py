"""The composition root of gatekeeper."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web
from prometheus_client import CollectorRegistry

from services.gatekeeper.back_end import BackEnd
from services.gatekeeper.cache import TokenCache
from services.gatekeeper.deps import Deps
from services.gatekeeper.domain.rule_files import RuleFileError, read_rules
from services.gatekeeper.domain.rules import Rules
from services.gatekeeper.handlers import keys, routes
from services.gatekeeper.limiter import Limiter
from services.gatekeeper.metrics import Metrics
from services.gatekeeper.proofs import SeenProofs
from services.gatekeeper.refreshing import Refresher
from services.gatekeeper.revocations import Revocations
from services.gatekeeper.settings import Settings
from services.gatekeeper.upstream import UpstreamSession
from services.gatekeeper.verifying import Verifier
from shared.peers.abac import AbacApi
from shared.peers.mithril import MithrilApi
from shared.peers.mithril_grants import MithrilGrants
from shared.peers.session import SharedSession
from shared.runtime import health, http, metrics, tracing
from shared.runtime.clock import Clock, SystemClock
from shared.runtime.entropy import Entropy, SystemEntropy
from shared.runtime.health import Readiness
from shared.runtime.metrics import HttpMetrics
from shared.runtime.sealed import Sealer
from shared.runtime.serve import Listener, Process

NAME = "gatekeeper"


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """The parts of the process, for `process` and for tests."""

    deps: Deps
    mithril: MithrilApi
    back_end: BackEnd | None
    session: SharedSession
    cache: TokenCache
    revocations: Revocations
    public: web.Application
    internal: web.Application
    readiness: Readiness
    registry: CollectorRegistry


def rules_of(file: Path) -> Rules:
    """The rules of a file; `RuleFileError` where it cannot be used."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RuleFileError([f"cannot be read: {type(error).__name__}"]) from None
    return read_rules(text)


def build(
    settings: Settings, *, clock: Clock | None = None, entropy: Entropy | None = None
) -> Built:
    """Wire everything; opens nothing yet. `RuleFileError` where the rules cannot be used."""
    registry = metrics.registry()
    counted = Metrics(registry)
    clock, entropy = clock or SystemClock(), entropy or SystemEntropy()
    session = SharedSession(tracing.client_traces)
    cache = TokenCache(settings.cache_entries)
    revocations = Revocations(
        settings.kafka(), cache, counted, silence=settings.kafka_silence_seconds
    )
    service_token = settings.own_service_token()
    mithril = MithrilApi(
        url=settings.mithril_api_url,
        session=session,
        service_token=service_token,
        deadline=settings.deadline_seconds,
        checks_holders=True,
    )
    verifier = Verifier(
        mithril,
        cache,
        counted,
        clock,
        lives=settings.cache_seconds,
        is_current=revocations.is_current,
    )
    deps = Deps(
        settings=settings,
        rules=rules_of(settings.rules_file),
        verifier=verifier,
        abac=AbacApi(
            url=settings.abac_api_url,
            session=session,
            service_token=service_token,
            deadline=settings.deadline_seconds,
        ),
        proofs=SeenProofs(most=settings.limiter_entries),
        limiter=Limiter(most=settings.limiter_entries),
        clock=clock,
        entropy=entropy,
        metrics=counted,
    )
    # Readiness asks no neighbour: with mithril-api away every request is refused as it
    # should be, and without Kafka the cache rests. Neither is mended by fewer gatekeepers.
    readiness = Readiness({})
    http_metrics = HttpMetrics(registry)
    public = http.make_app(listener="public", entropy=entropy, metrics=http_metrics)
    internal = http.make_app(listener="internal", entropy=entropy, metrics=http_metrics)
    public[keys.DEPS] = deps
    public.cleanup_ctx.append(session.while_serving)
    routes.add_forward_auth(public)
    back_end = _back_end(public, deps, session) if settings.upstream_url else None
    health.add_routes(internal, readiness=readiness, registry=registry)
    return Built(
        deps=deps,
        mithril=mithril,
        back_end=back_end,
        session=session,
        cache=cache,
        revocations=revocations,
        public=public,
        internal=internal,
        readiness=readiness,
        registry=registry,
    )


def _back_end(app: web.Application, deps: Deps, session: SharedSession) -> BackEnd:
    settings = deps.settings
    upstream = UpstreamSession()
    grants = MithrilGrants(
        url=settings.mithril_api_public_url,
        session=session,
        client_id=settings.client_id,
        client_secret=settings.client_secret.get_secret_value(),
    )
    made = BackEnd(
        settings=settings,
        sealer=Sealer.of(
            [key.get_secret_value() for key in settings.cookie_keys],
            audience=f"{settings.client_id} {settings.origin}",
            entropy=deps.entropy,
        ),
        grants=grants,
        refresher=Refresher(grants),
        verifier=deps.verifier,
        upstream=upstream,
        clock=deps.clock,
        entropy=deps.entropy,
        metrics=deps.metrics,
    )
    app[keys.BACK_END] = made
    app.cleanup_ctx.append(upstream.while_serving)
    routes.add_back_end(app)
    return made


async def process(settings: Settings) -> Process:
    """The process that `mithril gatekeeper serve` runs."""
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
        background={"revocations": built.revocations.run},
        close=_nothing,
    )


async def _nothing() -> None:
    """Sessions end with the application that uses them."""


async def examine(settings: Settings) -> dict[str, str]:
    """Try each neighbour once: `ok`, or what went wrong in one line."""
    built = build(settings)
    stop = asyncio.Event()
    hearing = asyncio.create_task(built.revocations.run(stop))

    async def kafka() -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(8):
                await built.revocations.heard.wait()
        await built.revocations.ping()

    async def mithril_api() -> None:
        await built.mithril.verify("0" * 32)

    async def abac_api() -> None:
        url = f"{settings.abac_api_url.rstrip('/')}/.well-known/authzen-configuration"
        async with built.session().get(url) as answer:
            answer.raise_for_status()

    pings = {"kafka": kafka, "mithril-api": mithril_api, "abac-api": abac_api}
    try:
        return await Readiness(pings, within=10.0).check()
    finally:
        stop.set()
        await hearing
        await built.session.close()
