"""One decision with its proof; decisions counted; how whole the log is."""

from aiohttp import web

from services.abac_log_consumer.actions.show_decision import show_decision
from services.abac_log_consumer.actions.show_integrity import show_integrity
from services.abac_log_consumer.actions.summarize_decisions import summarize_decisions
from services.abac_log_consumer.domain import filters
from services.abac_log_consumer.handlers.callers import READ, auditor
from services.abac_log_consumer.handlers.keys import DEPS
from services.abac_log_consumer.handlers.lists import NO_STORE, fit, pairs_of
from shared.wire.casting import parse_uuid
from shared.wire.envelope import Answer, not_found


async def get_decision(request: web.Request) -> Answer:
    """GET /api/abac_logs/{id}: the record, its place in its chain, what vouches for it."""
    asker = await auditor(request, scope=READ)
    fit(filters.nothing(pairs_of(request)))
    event_id = parse_uuid(request.match_info["id"])
    found = await show_decision(request.app[DEPS], event_id, asker=asker)
    if found is None:
        raise not_found()
    signed, following = found.checkpoint, found.following
    proof = {
        **found.decision.link.rendered(),
        "checkpoint": None if signed is None else signed.rendered(),
        "next": None if following is None else following.rendered(),
    }
    data = {**found.decision.rendered(), "proof": proof}
    return Answer(data=data, headers=NO_STORE)


async def get_summary(request: web.Request) -> Answer:
    """GET /api/abac_logs/summary: counts by day, result, rule, reason and client."""
    asker = await auditor(request, scope=READ)
    deps = request.app[DEPS]
    asked = fit(filters.summary(pairs_of(request), now=deps.clock.now()))
    summary = await summarize_decisions(deps, asked, asker=asker)
    return Answer(data=summary.rendered(), headers=NO_STORE)


async def get_integrity(request: web.Request) -> Answer:
    """GET /api/abac_logs/integrity: chains, checkpoints, and what of each source is missing."""
    asker = await auditor(request, scope=READ)
    fit(filters.nothing(pairs_of(request)))
    found = await show_integrity(request.app[DEPS], asker=asker)
    sources = [source.rendered() for source in found.sources]
    data = {
        "complete": all(source["complete"] for source in sources),
        "chains": [chain.rendered() for chain in found.chains],
        "sources": sources,
        "rejected_records": found.rejected,
    }
    return Answer(data=data, headers=NO_STORE)
