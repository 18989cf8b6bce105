"""Every route of mithril-scheduler on one page. The public listener has none."""

from aiohttp import web

from services.scheduler.handlers import jobs
from services.scheduler.handlers.callers import READ, RUN, internal
from shared.runtime.http import as_aiohttp


def add_internal(app: web.Application) -> None:
    """What the platform and operators may call."""
    app.router.add_get("/jobs", as_aiohttp(internal(jobs.get_jobs, scope=READ)))
    app.router.add_get("/jobs/{name}/runs", as_aiohttp(internal(jobs.get_runs, scope=READ)))
    app.router.add_post("/jobs/{name}/run", as_aiohttp(internal(jobs.post_run, scope=RUN)))
