"""Typed keys under which the application keeps what handlers need."""

from aiohttp import web

from services.scheduler.deps import Deps
from services.scheduler.work import Job
from shared.peers.mithril import MithrilApi

DEPS: web.AppKey[Deps] = web.AppKey("deps", Deps)
MITHRIL: web.AppKey[MithrilApi] = web.AppKey("mithril", MithrilApi)
JOBS: web.AppKey[tuple[Job, ...]] = web.AppKey("jobs", tuple)
