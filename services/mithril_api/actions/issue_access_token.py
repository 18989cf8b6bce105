"""Make a sign-in token for a user on an operator's word (spec §1.4): one transaction."""

from datetime import datetime
from typing import assert_never

from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.actions.minting import message, mint
from services.mithril_api.actions.superseding import supersede
from services.mithril_api.deps import Deps
from services.mithril_api.domain import operator_tokens
from services.mithril_api.domain.minting import Minted, issued
from services.mithril_api.domain.operator_tokens import Issue
from services.mithril_api.domain.refusals import Refused
from services.mithril_api.store import connections, issuing, tokens
from shared.models.ids import ClientId, UserId
from shared.models.tokens import TokenName
from shared.runtime.postgres import retrying


async def issue_access_token(
    deps: Deps, *, user_id: UserId, client_id: ClientId, scope: tuple[str, ...]
) -> Minted | Refused:
    """The token; former access and second-factor tokens of user and client are revoked."""
    outcome = await retrying(lambda: _issue(deps, user_id, client_id, scope))
    deps.committed()
    return outcome


async def _issue(
    deps: Deps, user_id: UserId, client_id: ClientId, scope: tuple[str, ...]
) -> Minted | Refused:
    async with deps.db.begin() as conn:
        facts = await issuing.facts_for(conn, user_id=user_id, client_id=client_id)
        verdict = operator_tokens.judge(facts, scope=scope)
        match verdict:
            case Issue():
                now = deps.clock.now()  # after the lock
                made = await _minted(deps, conn, user_id, client_id, verdict.scope, now=now)
                told = await supersede(deps, conn, made.token, now=now)
                told.append(message(deps, issued(made.token), at=now))
                await tokens.add(conn, [made.token], told)
                return made
            case Refused():
                return verdict
            case _:
                assert_never(verdict)


async def _minted(
    deps: Deps,
    conn: AsyncConnection,
    user_id: UserId,
    client_id: ClientId,
    scope: tuple[str, ...],
    *,
    now: datetime,
) -> Minted:
    registered = await connections.redirect_uris(conn, client_id)
    return mint(
        deps,
        TokenName.ACCESS,
        user_id=user_id,
        client_id=client_id,
        scope=scope,
        grant_type="password",
        now=now,
        expires_at=now + deps.settings.access_token_ttl(),
        details={"redirect_uri": registered[0]} if registered else {},
    )
