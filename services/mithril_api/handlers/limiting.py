"""Limits on what anybody may try: answered 429 with `Retry-After`."""

from ipaddress import ip_address

from aiohttp import web

from services.mithril_api.actions.take_turn import TurnAsked, take_turn
from services.mithril_api.domain.limits import Purpose, address_of, holder_of_address
from services.mithril_api.handlers.keys import DEPS
from shared.runtime.bearer import bearer_of, is_service_token
from shared.runtime.http import note
from shared.runtime.ingress import SERVICE_AUTHORIZATION
from shared.wire.envelope import Problem


async def limit(
    request: web.Request,
    purpose: Purpose,
    *,
    client: str | None = None,
    user: str | None = None,
) -> None:
    """Count this request of its address, its client and its user; 429 where it is one too many."""
    deps = request.app[DEPS]
    asked = TurnAsked(
        purpose=purpose,
        address=holder_of_address(callers_address(request)),
        client=client,
        user=user,
    )
    exceeded = await take_turn(deps, asked)
    if exceeded is None:
        return
    deps.metrics.limited.labels(purpose, exceeded.holder).inc()
    note(request, limited=f"{purpose} by {exceeded.holder}")
    raise too_many(exceeded.retry_after)


def too_many(retry_after: int) -> Problem:
    """429: nothing was looked at; asking again after so many seconds makes sense."""
    headers = {"Retry-After": str(retry_after)}
    text = "Too many requests. Try again later"
    return Problem(429, "too_many_requests", text, headers=headers)


def callers_address(request: web.Request) -> str:
    """The address of who is calling, as far as it can be believed.

    `X-Forwarded-For` counts where the one who hands it over is one of ours: they show the
    service token, or they are a proxy named in the settings. Its last entry is theirs; what
    stands before it, anybody may have written.
    """
    peer = request.remote or ""
    if not _is_ours(request, peer):
        return peer
    hops = ",".join(request.headers.getall("X-Forwarded-For", ())).split(",")
    last = address_of(hops[-1])
    return peer if last is None else str(last)


def _is_ours(request: web.Request, peer: str) -> bool:
    settings = request.app[DEPS].settings
    if settings.internal_auth == "network":
        return True
    bearer = bearer_of(request, header=SERVICE_AUTHORIZATION)
    if is_service_token(bearer, settings.service_credentials):
        return True
    known = address_of(peer)
    return known is not None and any(
        ip_address(str(known)) in network for network in settings.proxies()
    )
