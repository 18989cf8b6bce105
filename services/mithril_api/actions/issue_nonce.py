"""Give a client a nonce for a sign-in by digital signature: one transaction."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.deps import Deps
from services.mithril_api.domain import nonces as rules
from services.mithril_api.domain.keys import CONNECTION_SECRET
from services.mithril_api.domain.nonces import NonceFacts
from services.mithril_api.domain.refusals import Refused, Unfit
from services.mithril_api.store import clients, connections, nonces
from shared.models.ids import ClientId


@dataclass(frozen=True, slots=True, kw_only=True)
class NonceAsked:
    """Which client asks; its secret, where it sends one."""

    client_id: ClientId
    client_secret: str | None = field(default=None, repr=False)


async def issue_nonce(deps: Deps, asked: NonceAsked) -> str | Refused | Unfit:
    """The JWT that holds the nonce."""
    async with deps.db.begin() as conn:
        now = deps.clock.now()
        facts = await _facts(deps, conn, asked, now=now)
        audience = rules.judge(facts, secret_is_sent=asked.client_secret is not None)
        if isinstance(audience, Refused | Unfit):
            return audience
        lives = timedelta(minutes=deps.settings.jwt_login_ttl)
        nonce = rules.nonce_of(deps.entropy.bits(128))
        await nonces.add(conn, nonce, client_id=asked.client_id, expires_at=now + lives)
    return rules.compose(
        nonce,
        audience=audience,
        token_id=deps.entropy.uuid(),
        key=deps.settings.login_jwt_keys()[0],
        now=now,
        lives=lives,
    )


async def _facts(
    deps: Deps, conn: AsyncConnection, asked: NonceAsked, *, now: datetime
) -> NonceFacts:
    known = await clients.with_type(conn, asked.client_id)
    if known is None:
        return NonceFacts(client_exists=False)
    client, client_type = known
    secret_is_right = False
    if asked.client_secret is not None:
        digests = deps.settings.keyring.digests(CONNECTION_SECRET, asked.client_secret)
        found = await connections.by_secret(conn, asked.client_id, digests, now=now)
        secret_is_right = found is not None
    return NonceFacts(
        client_exists=True,
        client_is_blocked=client.is_blocked,
        client_type=client_type,
        secret_is_right=secret_is_right,
    )
