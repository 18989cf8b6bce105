"""The composition root of admin-web."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web
from markupsafe import Markup
from prometheus_client import CollectorRegistry

from services.admin_web.charts import timeline
from services.admin_web.domain import menu
from services.admin_web.handlers import keys, routes
from services.admin_web.handlers.keys import Neighbours
from services.admin_web.settings import Settings
from services.admin_web.showing import helpers
from services.admin_web.texts import LANGUAGES, Texts, preferred
from shared.peers.mithril import MithrilApi
from shared.peers.neighbour import Neighbour
from shared.peers.session import SharedSession
from shared.runtime import health, http, metrics, tracing
from shared.runtime.clock import Clock, SystemClock
from shared.runtime.entropy import Entropy, SystemEntropy
from shared.runtime.health import Readiness
from shared.runtime.metrics import HttpMetrics
from shared.runtime.page_sessions import Sessions
from shared.runtime.pages import SESSION, Pages
from shared.runtime.sealed import Sealer
from shared.runtime.serve import Listener, Process

NAME = "admin-web"
_HERE = Path(__file__).parent
_HELPERS = {**helpers(), "timeline": timeline}


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """The parts of the process, for `process` and for tests."""

    public: web.Application
    internal: web.Application
    readiness: Readiness
    registry: CollectorRegistry
    session: SharedSession


def build(
    settings: Settings, *, clock: Clock | None = None, entropy: Entropy | None = None
) -> Built:
    """Wire everything; opens nothing yet."""
    registry = metrics.registry()
    clock, entropy = clock or SystemClock(), entropy or SystemEntropy()
    session = SharedSession(tracing.client_traces)
    http_metrics = HttpMetrics(registry)
    public = http.make_app(listener="public", entropy=entropy, metrics=http_metrics)
    internal = http.make_app(listener="internal", entropy=entropy, metrics=http_metrics)
    texts = Texts.load()
    public[keys.SETTINGS] = settings
    public[keys.CLOCK] = clock
    public[keys.TEXTS] = texts
    public[keys.MITHRIL] = _mithril(settings, session)
    public[keys.NEIGHBOURS] = _neighbours(settings, session)
    pages = Pages(
        templates=[_HERE / "templates"],
        static=[_HERE / "static"],
        sessions=Sessions(
            cookie=settings.cookie_name,
            sealer=Sealer.of(
                [key.get_secret_value() for key in settings.cookie_keys],
                audience=NAME,
                entropy=entropy,
            ),
            clock=clock,
            entropy=entropy,
            lifetime=settings.session_lifetime(),
        ),
        entropy=entropy,
        context=_context,
    )
    pages.mount(public)
    routes.add_public(public)
    public.cleanup_ctx.append(session.while_serving)
    readiness = Readiness({})
    health.add_routes(internal, readiness=readiness, registry=registry)
    return Built(
        public=public,
        internal=internal,
        readiness=readiness,
        registry=registry,
        session=session,
    )


def _context(request: web.Request) -> Mapping[str, Any]:
    """What each template needs: words, the viewer's menu, where the page is."""
    viewer = request.get(keys.VIEWER)
    language = request[SESSION].get("language")
    if language not in LANGUAGES:
        language = preferred(request.headers.get("Accept-Language", ""))
    texts = request.app[keys.TEXTS]

    def say(text: str, /, **values: Any) -> str | Markup:
        return texts.say(language, text, **values)

    return {
        **_HELPERS,
        "_": say,
        "language": language,
        "languages": LANGUAGES,
        "viewer": viewer,
        "menu": {} if viewer is None else menu.seen_by(viewer.token.scope),
        "section": menu.section_of(request.path),
        "here": request.path_qs if request.method == "GET" else request.path,
        "path": request.path,
        "now": request.app[keys.CLOCK].now(),
        "sign_out_url": request.app[keys.SETTINGS].sign_out_url,
    }


def _mithril(settings: Settings, session: SharedSession) -> MithrilApi:
    return MithrilApi(
        url=settings.mithril_api_url,
        session=session,
        service_token=settings.own_service_token(),
        deadline=settings.peer_seconds,
    )


def _neighbours(settings: Settings, session: SharedSession) -> Neighbours:
    def neighbour(name: str, url: str) -> Neighbour:
        return Neighbour(
            name=name, url=url, session=session, deadline=settings.peer_seconds
        )

    return Neighbours(
        mithril=neighbour("mithril-api", settings.mithril_api_url),
        scheduler=neighbour("mithril-scheduler", settings.scheduler_url),
        audit=neighbour("abac-log-consumer", settings.audit_url),
        audit_internal=neighbour("abac-log-consumer", settings.audit_internal_url),
        abac=neighbour("abac-api", settings.abac_api_url),
    )


async def process(settings: Settings) -> Process:
    """The process that `mithril admin-web serve` runs."""
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
        close=built.session.close,
    )


async def examine(settings: Settings) -> dict[str, str]:
    """Try each neighbour once: `ok`, or what went wrong in one line."""
    session = SharedSession(tracing.client_traces)

    def ping(url: str, path: str = "/readyz") -> health.Ping:
        async def once() -> None:
            async with session().get(url.rstrip("/") + path) as answer:
                if answer.status >= 500:
                    raise ConnectionError(f"answered {answer.status}")

        return once

    readiness = Readiness(
        {
            "mithril-api": ping(settings.mithril_api_url),
            "mithril-scheduler": ping(settings.scheduler_url),
            "abac-api": ping(settings.abac_api_url),
            "abac-log-consumer": ping(settings.audit_internal_url),
            "auditors' API": ping(settings.audit_url, "/api/abac_logs"),
        },
        within=10.0,
    )
    try:
        return await readiness.check()
    finally:
        await session.close()
