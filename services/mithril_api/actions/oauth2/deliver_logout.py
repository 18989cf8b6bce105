"""Send one owed logout token: taken in one transaction, its end in another.

Between the two it is out of our hands. A process that ends there leaves it owed, and it is
sent once more, the same one.
"""

from datetime import timedelta
from enum import Enum, auto

from services.mithril_api.actions.oauth2 import signing
from services.mithril_api.actions.oauth2.begin_authorization import client_of
from services.mithril_api.deps import Deps
from services.mithril_api.domain.oauth2 import logouts as rules
from services.mithril_api.domain.oauth2.logouts import OwedLogout
from services.mithril_api.store import owed_logouts
from shared.peers.backchannel import LogoutNotTakenError, LogoutRefusedError
from shared.runtime import logging
from shared.runtime.postgres import retrying

_log = logging.get("logouts")
_LEASE = timedelta(seconds=30)  # beyond the deadline of a request: its last words


class Delivery(Enum):
    """What came of one look."""

    NOTHING_DUE = auto()
    SENT = auto()
    DROPPED = auto()  # nobody to tell any more, or not worth another try
    FAILED = auto()  # tried again later


async def deliver_logout(deps: Deps) -> Delivery:
    """Take the logout token whose turn it is and send it. However many ask, one takes it."""
    owed = await retrying(lambda: _take(deps))
    if owed is None:
        return Delivery.NOTHING_DUE
    outcome = await _send(deps, owed)
    deps.metrics.logouts.labels(outcome.name.lower()).inc()
    if outcome is not Delivery.FAILED:
        async with deps.db.begin() as conn:
            await owed_logouts.remove(conn, owed.id)
    return outcome


async def _take(deps: Deps) -> OwedLogout | None:
    now = deps.clock.now()
    lease = timedelta(milliseconds=deps.settings.backchannel_logout_timeout) + _LEASE
    async with deps.db.begin() as conn:
        return await owed_logouts.take(
            conn,
            now=now,
            again_at=lambda attempts: rules.BACKOFF.next_attempt(
                attempts, now=now, lease=lease
            ),
        )


async def _send(deps: Deps, owed: OwedLogout) -> Delivery:
    client = await client_of(deps, owed.ended.client_id)
    uri = None if client is None else client.metadata.backchannel_logout_uri
    if client is None or uri is None:
        return Delivery.DROPPED
    signer = await signing.signer_of(deps, client.metadata.id_token_alg)
    now = deps.clock.now()
    token = signer.sign(rules.claims_of(owed, now=now), typ=rules.TYP)
    try:
        await deps.backchannel.send(uri, token)
    except LogoutRefusedError as error:
        _tell(owed, str(error), given_up=True)
        return Delivery.DROPPED
    except LogoutNotTakenError as error:
        hopeless = rules.BACKOFF.is_hopeless(owed.inserted_at, now=deps.clock.now())
        _tell(owed, str(error), given_up=hopeless)
        return Delivery.DROPPED if hopeless else Delivery.FAILED
    return Delivery.SENT


def _tell(owed: OwedLogout, error: str, *, given_up: bool) -> None:
    _log.warning(
        "logout not taken",
        client_id=str(owed.ended.client_id),
        attempts=owed.attempts,
        given_up=given_up,
        error=error,
    )
