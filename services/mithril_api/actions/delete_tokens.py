"""Delete tokens of a user, whatever their state: one transaction."""

from dataclasses import dataclass, field
from typing import Literal

from sqlalchemy import ColumnElement

from services.mithril_api.actions.minting import message
from services.mithril_api.deps import Deps
from services.mithril_api.store import tokens
from shared.events.tokens import TokensRevoked
from shared.models.ids import ClientId, TokenId, UserId
from shared.models.tokens import TokenName
from shared.runtime import outbox
from shared.runtime.postgres import retrying


@dataclass(frozen=True, slots=True, kw_only=True)
class TokensChosen:
    """Those of a user that have all of what is given."""

    user_id: UserId
    client_id: ClientId | None = None
    name: TokenName | None = None
    value: str | None = field(default=None, repr=False)


async def delete_tokens(deps: Deps, chosen: TokensChosen) -> None:
    """They are gone; of those that were live an event tells."""
    await retrying(lambda: _delete(deps, chosen))
    deps.committed()


async def _delete(deps: Deps, chosen: TokensChosen) -> None:
    now = deps.clock.now()
    async with deps.db.begin() as conn:
        rows = _rows(chosen)
        if chosen.value is not None:  # what it was exchanged for has a value of its own
            of_user = tokens.of_user(chosen.user_id)
            for token_id in await tokens.chosen_ids(conn, rows):
                rows |= of_user & tokens.exchanged_from(token_id)
        ended = await tokens.remove(conn, rows, at=now)
        told = _told(chosen, ended)
        await outbox.put_many(conn, [message(deps, event, at=now) for event in told])


def _rows(chosen: TokensChosen) -> ColumnElement[bool]:
    rows = tokens.of_user(chosen.user_id, client_id=chosen.client_id)
    if chosen.name is not None:
        rows &= tokens.named(chosen.name)
    if chosen.value is not None:
        rows &= tokens.with_value(chosen.value)
    return rows


def _told(chosen: TokensChosen, ended: list[TokenId]) -> list[TokensRevoked]:
    """One event; or, where no selector says what was chosen, one a token."""
    if not ended:
        return []
    if chosen.name is None and chosen.value is None:
        return [_revoked(chosen, selector="user", count=len(ended))]
    return [_revoked(chosen, selector="token", count=1, token_id=item) for item in ended]


def _revoked(
    chosen: TokensChosen,
    *,
    selector: Literal["token", "user"],
    count: int,
    token_id: TokenId | None = None,
) -> TokensRevoked:
    return TokensRevoked(
        selector=selector,
        reason="deleted",
        user_id=chosen.user_id,
        client_id=chosen.client_id,
        token_id=token_id,
        count=count,
    )
