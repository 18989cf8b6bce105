"""Exchange a user's token for one of the service that it came to (RFC 8693): one statement."""

from dataclasses import dataclass

from services.mithril_api.actions.minting import message, mint
from services.mithril_api.actions.oauth2.writing import signers_for, written
from services.mithril_api.deps import Deps
from services.mithril_api.domain.grants import TOKEN_EXCHANGE
from services.mithril_api.domain.minting import Minted
from services.mithril_api.domain.oauth2 import token_exchange
from services.mithril_api.domain.oauth2.access_tokens import AsJwt
from services.mithril_api.domain.oauth2.client_authentication import Authenticated
from services.mithril_api.domain.oauth2.faults import Fault
from services.mithril_api.domain.oauth2.grant_faults import SCOPE_TOO_LONG
from services.mithril_api.domain.oauth2.token_exchange import Wish
from services.mithril_api.domain.records import Token
from services.mithril_api.store import tokens
from shared.events.tokens import TokenExchanged
from shared.models.tokens import TokenName


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeAsked:
    """One request. `subject` was live a moment ago, with the scope that works through it."""

    wish: Wish
    subject: Token
    who: Authenticated
    as_jwt: AsJwt | None = None


async def exchange_token(deps: Deps, asked: ExchangeAsked) -> Minted | Fault:
    """The token of the service that acts; none comes of one that was revoked meanwhile."""
    signers = await signers_for(deps, [asked.as_jwt])
    now = deps.clock.now()
    subject, as_jwt, resources = asked.subject, asked.as_jwt, asked.wish.resources
    verdict = token_exchange.judge(
        subject, asked.wish, asked.who, lives=deps.settings.access_token_ttl(), now=now
    )
    if isinstance(verdict, Fault):
        return verdict
    if as_jwt is not None and not as_jwt.has_room_for(verdict.scope, resources):
        return SCOPE_TOO_LONG
    made = mint(
        deps,
        TokenName.ACCESS,
        user_id=subject.user_id,
        client_id=asked.who.client_id,
        scope=verdict.scope,
        grant_type=TOKEN_EXCHANGE,
        now=now,
        expires_at=verdict.expires_at,
        app_id=subject.app_id,
        connection_id=asked.who.connection_id(),
        family_id=subject.family_id,
        generation=subject.generation,
        details=verdict.details,
    )
    signer = None if as_jwt is None else signers[as_jwt.alg]
    made = written(made, as_jwt, signer, resources=resources)
    told = message(deps, _exchanged(made.token, subject), at=now)
    async with deps.db.autocommit() as conn:
        # Waits for a revocation of the subject that is under way; a later one sees this token.
        if not await tokens.add_from(conn, [subject], [made.token], [told]):
            return token_exchange.UNFIT
    deps.committed()
    return made


def _exchanged(token: Token, subject: Token) -> TokenExchanged:
    assert token.client_id is not None  # noqa: S101 — it is the client that asked
    return TokenExchanged(
        token_id=token.id,
        subject_token_id=subject.id,
        user_id=token.user_id,
        client_id=token.client_id,
        subject_client_id=subject.client_id,
        actors=token_exchange.actors(token),
        family_id=token.family_id,
        scope=token.scope,
        audience=tuple(token.details["aud"]),
        expires_at=token.expires_at,
    )
