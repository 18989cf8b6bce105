"""Jobs of the scheduler, and the queues of events."""

import asyncio
import re
from typing import Any

from aiohttp import web

from services.admin_web.domain.menu import AUDIT_READ, JOBS_RUN
from services.admin_web.handlers.asking import ask, get, page_number, try_get
from services.admin_web.handlers.changes import (
    Change,
    Done,
    Proposal,
)
from services.admin_web.handlers.keys import NEIGHBOURS, SETTINGS, VIEWER
from shared.peers.neighbour import Answered, Refused
from shared.runtime.pages import PAGES, PageError

_NAME = re.compile(r"^[a-z][a-z-]{0,63}\Z")
_RUNS_SHOWN = "50"


async def get_all(request: web.Request) -> web.StreamResponse:
    """GET /jobs."""
    jobs = (await get(request, request.app[NEIGHBOURS].scheduler, "/jobs")).data
    return request.app[PAGES].render(request, "jobs.html", jobs=jobs)


async def get_one(request: web.Request) -> web.StreamResponse:
    """GET /jobs/{name}: its runs, latest first."""
    job = await _job(request)
    query = {"page": str(page_number(request)), "page_size": _RUNS_SHOWN}
    scheduler = request.app[NEIGHBOURS].scheduler
    runs = await get(request, scheduler, f"/jobs/{job['name']}/runs", query)
    return request.app[PAGES].render(
        request, "job.html", job=job, runs=runs.data, paging=runs.paging
    )


async def _job(request: web.Request) -> dict[str, Any]:
    name = request.match_info["name"]
    if _NAME.match(name) is None:
        raise PageError(404)
    jobs = (await get(request, request.app[NEIGHBOURS].scheduler, "/jobs")).data
    for job in jobs:
        if job["name"] == name:
            return dict(job)
    raise PageError(404)


class RunJob(Change):
    """Run a job now, beside its schedule."""

    scope = JOBS_RUN

    async def propose(self, request: web.Request) -> Proposal:
        """Say what it does."""
        job = await _job(request)
        return Proposal(
            title="Run a job now",
            subject=job["name"],
            says=[
                job["what"],
                "If another process is at it, nothing is done. The schedule stays as it is.",
            ],
            button="Run it now",
            back=f"/jobs/{job['name']}",
        )

    async def make(self, request: web.Request) -> Done | Refused:
        """POST /jobs/{name}/run; what came of it stands in the history."""
        job = await _job(request)
        reply = await ask(
            request,
            request.app[NEIGHBOURS].scheduler,
            "POST",
            f"/jobs/{job['name']}/run",
            deadline=request.app[SETTINGS].job_seconds,
        )
        if isinstance(reply, Refused):
            return reply
        return Done(location=f"/jobs/{job['name']}", message="The job has run.")


async def get_queues(request: web.Request) -> web.StreamResponse:
    """GET /queues: each outbox, and what the audit log has yet to record."""
    near, viewer = request.app[NEIGHBOURS], request[VIEWER]
    services = {
        "mithril-api": near.mithril,
        "abac-api": near.abac,
        "abac-log-consumer": near.audit_internal,
    }
    outboxes = await asyncio.gather(
        *(try_get(request, item, "/outbox") for item in services.values())
    )
    chains = None
    if viewer.may(AUDIT_READ):
        answered = await try_get(request, near.audit, "/api/abac_logs/integrity")
        chains = answered.data["chains"] if isinstance(answered, Answered) else None
    rows = [
        (name, answer.data if isinstance(answer, Answered) else None)
        for name, answer in zip(services, outboxes, strict=True)
    ]
    return request.app[PAGES].render(request, "queues.html", outboxes=rows, chains=chains)
