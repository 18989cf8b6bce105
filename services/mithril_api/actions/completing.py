"""What comes after a second-factor token: used by every action that goes on with one."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.actions.minting import message, mint
from services.mithril_api.actions.superseding import supersede
from services.mithril_api.deps import Deps
from services.mithril_api.domain import second_factors, step_up
from services.mithril_api.domain.minting import Minted, issued
from services.mithril_api.domain.records import Token
from services.mithril_api.store import tokens
from shared.events.accounts import LoginSucceeded
from shared.events.envelope import Event
from shared.events.tokens import TokensRevoked
from shared.models.ids import TokenId
from shared.models.tokens import TokenName


async def complete(
    deps: Deps,
    conn: AsyncConnection,
    pending: Token,
    *,
    method: str,
    told: Iterable[Event] = (),
    now: datetime,
) -> Minted:
    """The token of the sign-in, with everything published. The pending one serves once.

    The caller holds the rows of the user and of the pending token.
    """
    name, scope = second_factors.final_kind(pending)
    known = second_factors.lasting(pending.details)
    if name is TokenName.ACCESS:
        known.pop("scope_request", None)
    methods = [*step_up.methods_of(known), method]
    minted = mint(
        deps,
        name,
        user_id=pending.user_id,
        client_id=pending.client_id,
        scope=scope,
        grant_type=pending.grant_type,
        now=now,
        expires_at=now + deps.settings.access_token_ttl(),
        family_id=pending.family_id,
        details={**known, **step_up.details(methods, now=now)},
    )
    await tokens.spend(conn, pending, at=now)
    events = await supersede(deps, conn, minted.token, now=now)
    if pending.client_id is not None:
        succeeded = LoginSucceeded(
            user_id=pending.user_id,
            client_id=pending.client_id,
            grant_type=pending.grant_type or "password",
            token_id=minted.token.id,
        )
        events.append(message(deps, succeeded, at=now))
    events += [message(deps, event, at=now) for event in (*told, issued(minted.token))]
    await tokens.add(conn, [minted.token], events)
    return minted


async def hand_on(
    deps: Deps,
    conn: AsyncConnection,
    former: Token,
    details: Mapping[str, Any],
    *,
    token_id: TokenId | None,
    expires_at: datetime | None = None,
    now: datetime,
) -> Minted:
    """A second-factor token after another token, in whose family it is.

    It ends when the former one would have, if not before: a password entered an hour ago is
    not fresh, however often a code was sent. A former second-factor token ends now; a
    session goes on, for whoever gives up half way is still signed in.
    """
    minted = mint(
        deps,
        TokenName.SECOND_FACTOR,
        user_id=former.user_id,
        client_id=former.client_id,
        scope=(),
        grant_type=former.grant_type,
        now=now,
        expires_at=min(former.expires_at, expires_at or former.expires_at),
        family_id=former.family_id,
        details=details,
        token_id=token_id,
    )
    events = [message(deps, issued(minted.token), at=now)]
    if former.name is TokenName.SECOND_FACTOR:
        await tokens.mark_revoked(conn, former, at=now)
        events.append(message(deps, _superseded(former), at=now))
    await tokens.add(conn, [minted.token], events)
    return minted


def _superseded(former: Token) -> TokensRevoked:
    return TokensRevoked(
        selector="token",
        reason="superseded",
        user_id=former.user_id,
        client_id=former.client_id,
        token_id=former.id,
        count=1,
    )
