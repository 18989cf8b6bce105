"""Make a token with a fresh id and value: used by every action that issues one."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.mithril_api.deps import Deps
from services.mithril_api.domain import values
from services.mithril_api.domain.minting import Minted
from services.mithril_api.domain.records import Token
from shared.events.envelope import Event, Message
from shared.models.ids import AppId, ClientId, ConnectionId, FamilyId, TokenId, UserId
from shared.models.tokens import TokenName
from shared.runtime import tracing


def mint(
    deps: Deps,
    name: TokenName,
    *,
    user_id: UserId,
    client_id: ClientId | None,
    scope: tuple[str, ...],
    grant_type: str | None,
    now: datetime,
    expires_at: datetime,
    app_id: AppId | None = None,
    connection_id: ConnectionId | None = None,
    family_id: FamilyId | None = None,
    generation: int = 0,
    details: Mapping[str, Any] | None = None,
    token_id: TokenId | None = None,
) -> Minted:
    """A token of a new family, unless one is given; with a new id, unless one was promised."""
    token_id = token_id or TokenId(deps.entropy.uuid())
    random = deps.entropy.bits(values.RANDOM_BITS)
    value = values.compose(expires_at=expires_at, random=random)
    token = Token(
        id=token_id,
        name=name,
        digest=values.digest_of(value),
        user_id=user_id,
        client_id=client_id,
        app_id=app_id,
        connection_id=connection_id,
        family_id=family_id or FamilyId(token_id),
        generation=generation,
        scope=scope,
        grant_type=grant_type,
        details=details or {},
        expires_at=expires_at,
        inserted_at=now,
    )
    return Minted(token, value)


def message(deps: Deps, event: Event, *, at: datetime) -> Message:
    """An event with an id of its own, in the trace of the request at hand."""
    return Message(
        id=deps.entropy.uuid(), at=at, event=event, traceparent=tracing.current.get()
    )
