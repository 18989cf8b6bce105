"""Tokens that clients get for themselves (RFC 6749 §4.4): one statement a batch (D9)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.actions.issuing import audience
from services.mithril_api.actions.minting import message, mint
from services.mithril_api.actions.oauth2.writing import signer_at_hand, written
from services.mithril_api.deps import Deps
from services.mithril_api.domain.minting import Minted, issued
from services.mithril_api.domain.oauth2.access_tokens import AsJwt
from services.mithril_api.domain.oauth2.client_authentication import Authenticated
from services.mithril_api.store import tokens
from shared.models.tokens import TokenName

GRANT = "client_credentials"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientTokenAsked:
    """One token for a client that may have it."""

    client: Authenticated
    scope: tuple[str, ...]
    resources: tuple[str, ...] = ()
    as_jwt: AsJwt | None = None
    traceparent: str | None = None


async def issue_within(
    deps: Deps, conn: AsyncConnection, asked: Sequence[ClientTokenAsked]
) -> list[Minted]:
    """Tokens in the order asked. They belong to the client's owner, and are not refreshed.

    The caller wakes the relay, once its transaction is over.

    Raises `KeyMissingError` where one is to be signed by a key that has yet to be made.
    """
    now = deps.clock.now()
    made = [_made(deps, item, now=now) for item in asked]
    messages = [
        replace(message(deps, issued(minted.token), at=now), traceparent=item.traceparent)
        for minted, item in zip(made, asked, strict=True)
    ]
    await tokens.add(conn, [minted.token for minted in made], messages)
    return made


def _made(deps: Deps, asked: ClientTokenAsked, *, now: datetime) -> Minted:
    as_jwt = asked.as_jwt
    minted = mint(
        deps,
        TokenName.ACCESS,
        user_id=asked.client.client.owner_id,
        client_id=asked.client.client_id,
        scope=asked.scope,
        grant_type=GRANT,
        now=now,
        expires_at=now + deps.settings.access_token_ttl(),
        connection_id=asked.client.connection_id(),
        details={**audience(asked.resources), **asked.client.confirmation.details()},
    )
    signer = None if as_jwt is None else signer_at_hand(deps, as_jwt.alg)
    return written(minted, as_jwt, signer, resources=asked.resources)
