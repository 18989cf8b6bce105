"""Typed keys under which the application keeps what handlers need."""

from aiohttp import web

from services.scheduler.deps import Deps
from services.scheduler.work import Job

DEPS: web.AppKey[Deps] = web.AppKey("deps", Deps)
JOBS: web.AppKey[tuple[Job, ...]] = web.AppKey("jobs", tuple)
