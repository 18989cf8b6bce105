"""Record a user's consent to a client and issue an authorization code: one transaction."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.actions.minting import message, mint
from services.mithril_api.deps import Deps
from services.mithril_api.domain import consent
from services.mithril_api.domain.consent import ConsentFacts, Verdict
from services.mithril_api.domain.minting import Minted, issued
from services.mithril_api.domain.oauth2.openid import SignedIn
from services.mithril_api.domain.refusals import Refused
from services.mithril_api.store import apps, consenting, tokens, users
from services.mithril_api.store.apps import App
from shared.events.accounts import AppApproved
from shared.models.ids import ClientId, UserId
from shared.models.scopes import joined
from shared.models.tokens import TokenName
from shared.runtime.postgres import retrying


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentAsked:
    """One consent, its fields already checked for shape."""

    user_id: UserId
    client_id: ClientId
    redirect_uri: str
    scope: tuple[str, ...] = ()
    code_challenge: str | None = field(default=None, repr=False)  # RFC 7636, S256
    resource: tuple[str, ...] = ()  # RFC 8707
    unbound: frozenset[str] = frozenset()  # scopes that no role has to hold
    signed_in: SignedIn | None = None  # what an ID token will tell of the sign-in
    code_lives: timedelta | None = None  # at the most
    dpop_jkt: str | None = None  # RFC 9449 §10


Outcome: TypeAlias = Minted | Refused


async def authorize(deps: Deps, asked: ConsentAsked) -> Outcome:
    """The code for the client to exchange. However many consents at once, one approval."""
    outcome = await retrying(lambda: _authorize(deps, asked))
    deps.committed()
    return outcome


async def _authorize(deps: Deps, asked: ConsentAsked) -> Outcome:
    async with deps.db.begin() as conn:
        return await authorize_within(deps, conn, asked)


async def authorize_within(
    deps: Deps, conn: AsyncConnection, asked: ConsentAsked
) -> Outcome:
    """The same in a transaction that is under way."""
    await users.is_blocked(conn, asked.user_id)  # waits for a block under way
    _, verdict = await judged(deps, conn, asked)
    if isinstance(verdict, Refused):
        return verdict
    now = deps.clock.now()
    app = await apps.approve(
        conn,
        new_id=deps.entropy.uuid(),
        user_id=asked.user_id,
        client_id=asked.client_id,
        scope=verdict.scope,
        now=now,
    )
    return await _issue(deps, conn, asked, app, verdict.scope, now=now)


async def judged(
    deps: Deps, conn: AsyncConnection, asked: ConsentAsked
) -> tuple[ConsentFacts, Verdict]:
    """The verdict on a consent, and what it rests on: for the page that asks, too."""
    facts = await consenting.facts_for(
        conn, user_id=asked.user_id, client_id=asked.client_id
    )
    verdict = consent.judge(
        facts,
        redirect_uri=asked.redirect_uri,
        scope=asked.scope,
        client_is_trusted=str(asked.client_id) in deps.settings.trusted_client_ids,
        unbound=asked.unbound,
    )
    return facts, verdict


async def _issue(
    deps: Deps,
    conn: AsyncConnection,
    asked: ConsentAsked,
    app: App,
    scope: tuple[str, ...],
    *,
    now: datetime,
) -> Minted:
    details: dict[str, Any] = {
        "redirect_uri": asked.redirect_uri,
        "scope_request": joined(scope),
    }
    if asked.resource:
        details["resource"] = list(asked.resource)
    if asked.dpop_jkt is not None:
        details["dpop_jkt"] = asked.dpop_jkt
    if asked.code_challenge is not None:
        details["code_challenge"] = asked.code_challenge
    if asked.signed_in is not None:
        details["sign_in"] = asked.signed_in.stored()
    lives = deps.settings.code_ttl()
    code = mint(
        deps,
        TokenName.CODE,
        user_id=asked.user_id,
        client_id=asked.client_id,
        scope=scope,
        grant_type="password",  # a constant of the contract
        now=now,
        expires_at=now + min(lives, asked.code_lives or lives),
        app_id=app.id,
        details=details,
    )
    approved = AppApproved(
        user_id=asked.user_id, app_id=app.id, client_id=asked.client_id, scope=app.scope
    )
    events = [message(deps, event, at=now) for event in (approved, issued(code.token))]
    await tokens.add(conn, [code.token], events)
    return code
