"""Keep what a client asks its user for, until the user answers (RFC 9126, RFC 6749 §4.1.1)."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from services.mithril_api.deps import Deps
from services.mithril_api.domain import values
from services.mithril_api.domain.oauth2.authorization import (
    REQUEST_URI,
    AuthorizationRequest,
    of_stored,
)
from services.mithril_api.domain.oauth2.client_authentication import ClientFacts
from services.mithril_api.store import authorization_requests, client_facts
from services.mithril_api.store.authorization_requests import Kept
from shared.models.ids import ClientId

WAITS = timedelta(minutes=10)  # for its user to sign in and to answer
PUSHED_WAITS = timedelta(seconds=90)  # for its browser to come
_LENGTH = 22  # letters and digits, which hold 128 random bits


async def client_of(deps: Deps, client_id: ClientId) -> ClientFacts | None:
    """A client that is named, and has proved nothing."""
    async with deps.db.read() as conn:
        (facts,) = await client_facts.facts_for(
            conn, client_ids=[client_id], secrets=[()], now=deps.clock.now()
        )
    return facts


async def push(deps: Deps, client_id: ClientId, parameters: Mapping[str, Any]) -> str:
    """Keep a request that was judged, for its browser to come with: its `request_uri`."""
    return await _keep(deps, client_id, parameters, pushed=True, lives=PUSHED_WAITS)


async def begin(deps: Deps, client_id: ClientId, request: AuthorizationRequest) -> str:
    """Keep a request for its user to answer: its `request_uri` among our own pages."""
    return await _keep(deps, client_id, request.stored(), pushed=False, lives=WAITS)


async def take_pushed(
    deps: Deps, client_id: ClientId, request_uri: str
) -> AuthorizationRequest | None:
    """The request that was pushed; it serves once."""
    digest = digest_of(request_uri)
    async with deps.db.begin() as conn:
        kept = await authorization_requests.take(
            conn, digest, client_id, pushed=True, now=deps.clock.now()
        )
    return None if kept is None else of_stored(kept.parameters)


async def refuse_waiting(
    deps: Deps, client_id: ClientId, request_uri: str
) -> AuthorizationRequest | None:
    """The request that will not be granted; it is over."""
    async with deps.db.begin() as conn:
        kept = await authorization_requests.take(
            conn,
            digest_of(request_uri),
            client_id,
            pushed=False,
            now=deps.clock.now(),
        )
    return None if kept is None else of_stored(kept.parameters)


def digest_of(request_uri: str) -> bytes:
    """What is kept of a `request_uri`."""
    return values.digest_of(request_uri.removeprefix(REQUEST_URI))


async def _keep(
    deps: Deps,
    client_id: ClientId,
    parameters: Mapping[str, Any],
    *,
    pushed: bool,
    lives: timedelta,
) -> str:
    value = values.base62(deps.entropy.bits(values.RANDOM_BITS), _LENGTH)
    now = deps.clock.now()
    kept = Kept(client_id=client_id, parameters=parameters, inserted_at=now)
    async with deps.db.begin() as conn:
        await authorization_requests.add(
            conn, values.digest_of(value), kept, pushed=pushed, expires_at=now + lives
        )
    return REQUEST_URI + value
