"""Change a token by id: one transaction."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.actions.minting import message
from services.mithril_api.deps import Deps
from services.mithril_api.domain.given_tokens import (
    TokenChange,
    changed,
    fields_between,
)
from services.mithril_api.domain.records import Token
from services.mithril_api.domain.refusals import Clash, Reason, Refused
from services.mithril_api.store import given_tokens, tokens, users
from shared.events.envelope import Event
from shared.events.tokens import TokenChanged, TokensRevoked
from shared.models.ids import TokenId
from shared.runtime import outbox
from shared.runtime.postgres import retrying


async def change_token(
    deps: Deps, token_id: TokenId, change: TokenChange
) -> Token | Clash | Refused:
    """The token afterwards; it is found by its value wherever its expiry moved it."""
    outcome = await retrying(lambda: _change(deps, token_id, change))
    deps.committed()
    return outcome


async def _change(
    deps: Deps, token_id: TokenId, change: TokenChange
) -> Token | Clash | Refused:
    async with deps.db.begin() as conn:
        if change.user_id is not None and await users.hold(conn, change.user_id) is None:
            return Clash("user_id", taken=False)
        before = await given_tokens.hold(conn, token_id)
        if before is None:
            return Refused(Reason.NOT_FOUND)
        now = deps.clock.now()  # after the locks
        after = changed(before, change, now=now)
        names = fields_between(before, after)
        if not names:
            return before
        if not await _keep_findable(conn, before, after):
            return Clash("value", taken=True)
        await given_tokens.save(conn, before, after, at=now)
        events = _told(before, after, names, now)
        await outbox.put_many(conn, [message(deps, event, at=now) for event in events])
        return after


async def _keep_findable(conn: AsyncConnection, before: Token, after: Token) -> bool:
    """Note where the value is kept now. False, and nothing is written: another token has it."""
    if (before.digest, before.name) != (after.digest, after.name):
        if await given_tokens.is_taken(conn, after.digest, after.name):
            return False
        noted = await tokens.remember_expiry(
            conn, digest=after.digest, name=after.name, expires_at=after.expires_at
        )
        if noted:
            await given_tokens.forget_expiry(conn, before)
        return noted
    if before.expires_at != after.expires_at:
        await given_tokens.move_expiry(conn, after)
    return True


def _told(
    before: Token, after: Token, names: tuple[str, ...], now: datetime
) -> list[Event]:
    told: list[Event] = [
        TokenChanged(
            token_id=after.id,
            name=after.name,
            user_id=after.user_id,
            client_id=after.client_id,
            fields=names,
            scope=after.scope,
            expires_at=after.expires_at,
        )
    ]
    if before.is_live(now) and not after.is_live(now):
        told.append(
            TokensRevoked(
                selector="token",
                reason="expiry_changed",
                user_id=after.user_id,
                client_id=after.client_id,
                token_id=after.id,
                count=1,
            )
        )
    return told
