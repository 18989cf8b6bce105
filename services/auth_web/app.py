"""The composition root of auth-web."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry

from services.auth_web.deps import Deps
from services.auth_web.domain.languages import known
from services.auth_web.domain.texts import NAMES
from services.auth_web.handlers import routes
from services.auth_web.handlers.browsers import (
    language_cookie,
    language_links,
    texts_of,
)
from services.auth_web.handlers.keys import DEPS
from services.auth_web.metrics import Metrics
from services.auth_web.settings import Settings
from shared.peers.session import SharedSession
from shared.peers.sign_in import SignInApi
from shared.runtime import health, http, metrics, tracing
from shared.runtime.clock import Clock, SystemClock
from shared.runtime.entropy import Entropy, SystemEntropy
from shared.runtime.health import Readiness
from shared.runtime.metrics import HttpMetrics
from shared.runtime.page_sessions import Sessions
from shared.runtime.pages import Pages
from shared.runtime.sealed import Sealer
from shared.runtime.serve import Listener, Process

NAME = "auth-web"
_HERE = Path(__file__).parent
_A_YEAR = 31_536_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """The parts of the process, for `process` and for tests."""

    deps: Deps
    public: web.Application
    internal: web.Application
    readiness: Readiness
    peers: SharedSession
    registry: CollectorRegistry


def build(
    settings: Settings, *, clock: Clock | None = None, entropy: Entropy | None = None
) -> Built:
    """Wire everything; opens nothing yet."""
    registry = metrics.registry()
    entropy = entropy or SystemEntropy()
    peers = SharedSession(tracing.client_traces)
    deps = _deps(settings, clock or SystemClock(), entropy, peers, Metrics(registry))
    http_metrics = HttpMetrics(registry)
    public = http.make_app(listener="public", entropy=entropy, metrics=http_metrics)
    internal = http.make_app(listener="internal", entropy=entropy, metrics=http_metrics)
    public.middlewares.append(_keep_language)
    Pages(
        templates=[_HERE / "templates"],
        static=[_HERE / "static"],
        sessions=deps.sessions,
        entropy=entropy,
        context=_context,
    ).mount(public)
    for app in (public, internal):
        app[DEPS] = deps
        app.cleanup_ctx.append(peers.while_serving)
    routes.add_public(public)
    # Not mithril-api: pages that say it is away are better than no pages.
    readiness = Readiness({})
    health.add_routes(internal, readiness=readiness, registry=registry)
    return Built(
        deps=deps,
        public=public,
        internal=internal,
        readiness=readiness,
        peers=peers,
        registry=registry,
    )


def _deps(
    settings: Settings,
    clock: Clock,
    entropy: Entropy,
    peers: SharedSession,
    counted: Metrics,
) -> Deps:
    keys = [key.get_secret_value() for key in settings.cookie_keys]
    return Deps(
        settings=settings,
        clock=clock,
        metrics=counted,
        captcha=settings.captcha(),
        sessions=Sessions(
            cookie=settings.cookie_prefix,
            # Of this deployment alone: what another sealed, though by the same key, is noise.
            sealer=Sealer.of(
                keys, audience=f"{NAME} {settings.client_id}", entropy=entropy
            ),
            clock=clock,
            entropy=entropy,
            lifetime=settings.session_ttl(),
        ),
        api=SignInApi(
            public=settings.mithril_api_public_url,
            internal=settings.mithril_api_url,
            session=peers,
            service_token=settings.own_service_token(),
            deadline=settings.mithril_api_seconds,
        ),
    )


def _context(request: web.Request) -> Mapping[str, Any]:
    t = texts_of(request)
    return {
        "t": t,
        "lang": t.language,
        "languages": NAMES,
        "language_links": language_links(request),
    }


@web.middleware
async def _keep_language(
    request: web.Request,
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
) -> web.StreamResponse:
    """A language that was asked for stays."""
    response = await handler(request)
    asked = known(request.query.get("lang"))
    if asked is not None:
        response.set_cookie(
            language_cookie(request),
            asked,
            max_age=_A_YEAR,
            path="/",
            secure=True,
            httponly=True,
            samesite="Lax",
        )
    return response


async def process(settings: Settings) -> Process:
    """The process that `mithril auth-web serve` runs."""
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
        close=built.peers.close,
    )


async def examine(settings: Settings) -> dict[str, str]:
    """Try each neighbour once: `ok`, or what went wrong in one line."""
    built = build(settings)
    api = built.deps.api

    async def own_client() -> None:
        if await api.client(settings.client_id, "") is None:
            raise LookupError("mithril-api knows no client with MITHRIL_AUTH_WEB_CLIENT_ID")

    checks = {"mithril-api": api.ping, "our client": own_client}
    try:
        return await Readiness(checks, within=10.0).check()
    finally:
        await built.peers.close()
