"""What a user would let a client do: what a consent page shows. Changes nothing."""

from dataclasses import dataclass
from typing import TypeAlias

from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.actions.authorize_app import ConsentAsked, judged
from services.mithril_api.deps import Deps
from services.mithril_api.domain.refusals import Refused
from shared.models.ids import ClientId
from shared.models.scopes import narrowed


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A consent that would be taken: `scope` is all that is asked, in two parts."""

    client_id: ClientId
    client_name: str
    client_is_trusted: bool
    redirect_uri: str  # empty: nowhere, since a device asks
    scope: tuple[str, ...]
    granted: tuple[str, ...]  # consented to already
    new: tuple[str, ...]


Outcome: TypeAlias = Preview | Refused


async def preview_app(deps: Deps, asked: ConsentAsked) -> Outcome:
    """The consent as `authorize_app` would judge it now."""
    async with deps.db.read() as conn:
        return await preview_within(deps, conn, asked)


async def preview_within(deps: Deps, conn: AsyncConnection, asked: ConsentAsked) -> Outcome:
    """The same over a connection that is at hand."""
    facts, verdict = await judged(deps, conn, asked)
    if isinstance(verdict, Refused):
        return verdict
    scope = tuple(dict.fromkeys(verdict.scope))
    granted = tuple(narrowed(scope, facts.approved))
    return Preview(
        client_id=asked.client_id,
        client_name=facts.client_name,
        client_is_trusted=str(asked.client_id) in deps.settings.trusted_client_ids,
        redirect_uri=asked.redirect_uri or "",
        scope=scope,
        granted=granted,
        new=tuple(name for name in scope if name not in facts.approved),
    )
