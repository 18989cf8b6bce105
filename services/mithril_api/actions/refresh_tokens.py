"""Exchange refresh tokens for access tokens: set-based, a verdict an item (D9)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.actions.issuing import ClientSecret, Proved
from services.mithril_api.actions.minting import message
from services.mithril_api.actions.oauth2.writing import signers_for
from services.mithril_api.actions.refresh_batch import (
    Batch,
    Outcome,
    RefreshAsked,
    Refreshed,
    Signers,
)
from services.mithril_api.deps import Deps
from services.mithril_api.domain import values
from services.mithril_api.domain.keys import CONNECTION_SECRET
from services.mithril_api.domain.records import Token
from services.mithril_api.domain.refresh import RefreshFacts
from services.mithril_api.domain.refusals import Reason, Refused
from services.mithril_api.store import refreshing, tokens
from shared.events.tokens import TokensRevoked
from shared.models.ids import TokenId
from shared.runtime import outbox
from shared.runtime.postgres import retrying


def refused_unseen(asked: RefreshAsked) -> Refused | None:
    """A refusal that needs no database: the value claims to be ours and is not whole (D5)."""
    if isinstance(values.shape_of(asked.refresh_token), values.Forged):
        return Refused(Reason.TOKEN_UNKNOWN)
    return None


async def refresh_many(deps: Deps, asked: Sequence[RefreshAsked]) -> list[Outcome]:
    """Outcomes in the order asked. Each item has its own verdict; one never fails another."""
    digests = [values.digest_of(item.refresh_token) for item in asked]
    order = sorted(range(len(asked)), key=digests.__getitem__)  # the order of row locks
    signers = await signers_for(deps, (item.terms.as_jwt for item in asked))
    sorted_outcomes = await retrying(
        lambda: _refresh_sorted(
            deps, [asked[i] for i in order], [digests[i] for i in order], signers
        )
    )
    deps.committed()
    outcomes: list[Outcome] = [Refused(Reason.TOKEN_UNKNOWN)] * len(asked)
    for index, outcome in zip(order, sorted_outcomes, strict=True):
        outcomes[index] = outcome
    return outcomes


async def _refresh_sorted(
    deps: Deps, asked: Sequence[RefreshAsked], digests: Sequence[bytes], signers: Signers
) -> list[Outcome]:
    outcomes = await _issue(deps, asked, digests, signers)
    if outcomes is None:
        outcomes = await _settle(deps, asked, digests, signers)
    return outcomes


async def _issue(
    deps: Deps, asked: Sequence[RefreshAsked], digests: Sequence[bytes], signers: Signers
) -> list[Outcome] | None:
    """Outcomes of a batch in which nothing was spent before, as nearly every one is.

    Two statements, each a transaction of its own: read, then spend and insert if what was
    read still holds. None: something was spent before or must be revoked, or changed
    meanwhile; nothing was done.
    """
    async with deps.db.autocommit() as conn:
        facts = await _facts(deps, conn, asked, digests, locked=False)
        if any(known.token is not None and known.token.used_at for known in facts):
            return None
        batch = Batch(deps, signers, now=deps.clock.now(), successors={})
        outcomes = batch.settle_all(asked, facts)
        if batch.stolen:
            return None
        if not batch.made:
            return outcomes
        parents = [
            known.token
            for known, outcome in zip(facts, outcomes, strict=True)
            if known.token is not None and isinstance(outcome, Refreshed)
        ]
        if batch.spent:
            unchanged = await _rotate(conn, parents, batch)
        else:
            unchanged = await tokens.add_from(conn, parents, batch.made, batch.messages)
        return outcomes if unchanged else None


async def _rotate(conn: AsyncConnection, parents: Sequence[Token], batch: Batch) -> bool:
    return await tokens.rotate_from(
        conn,
        list({parent.id: parent for parent in parents}.values()),
        list(batch.spent.values()),
        batch.made,
        batch.messages,
        at=batch.now,
    )


async def _settle(
    deps: Deps, asked: Sequence[RefreshAsked], digests: Sequence[bytes], signers: Signers
) -> list[Outcome]:
    """Outcomes of any batch: one transaction that holds the refresh tokens from the start."""
    async with deps.db.begin() as conn:
        facts = await _facts(deps, conn, asked, digests, locked=True)
        # Read after the locks, in a statement of its own: a successor that a rotation under
        # way made is invisible to the snapshot of the statement that waited for it.
        successors = await tokens.by_reference(conn, _spent(facts))
        batch = Batch(deps, signers, now=deps.clock.now(), successors=successors)
        outcomes = batch.settle_all(asked, facts)
        if batch.spent:
            await _rotate(conn, (), batch)  # held already
        else:
            await tokens.add(conn, batch.made, batch.messages)
        await _revoke_stolen(deps, conn, batch)
    return outcomes


async def _facts(
    deps: Deps,
    conn: AsyncConnection,
    asked: Sequence[RefreshAsked],
    digests: Sequence[bytes],
    *,
    locked: bool,
) -> list[RefreshFacts]:
    keyring = deps.settings.keyring
    shapes = [values.shape_of(item.refresh_token) for item in asked]
    now = deps.clock.now()
    facts = await refreshing.facts_for(
        conn,
        client_ids=[item.client_id for item in asked],
        secrets=[
            keyring.digests(CONNECTION_SECRET, item.by.secret)
            if isinstance(item.by, ClientSecret)
            else ()
            for item in asked
        ],
        digests=digests,
        days=[shape.day if isinstance(shape, values.Ours) else None for shape in shapes],
        connection_ids=[
            item.by.connection_id if isinstance(item.by, Proved) else None for item in asked
        ],
        now=now,
        locked=locked,
    )
    for known in facts:
        if known.connection_id is not None:
            deps.uses.note(known.connection_id, now)
    return facts


async def _revoke_stolen(deps: Deps, conn: AsyncConnection, batch: Batch) -> None:
    # After the batch's own tokens are in, so that none of a stolen family survives.
    for stolen, traceparent in batch.stolen.values():
        chosen = tokens.of_family(stolen.user_id, stolen.family_id)
        count = await tokens.revoke(conn, chosen, at=batch.now)
        told = message(deps, _family_revoked(stolen, count), at=batch.now)
        await outbox.put(conn, replace(told, traceparent=traceparent))


def _spent(facts: Sequence[RefreshFacts]) -> list[tuple[TokenId, datetime]]:
    return [
        (known.token.successor_id, known.token.successor_expires_at)
        for known in facts
        if known.token is not None
        and known.token.successor_id is not None
        and known.token.successor_expires_at is not None
    ]


def _family_revoked(token: Token, count: int) -> TokensRevoked:
    return TokensRevoked(
        selector="family",
        reason="reuse_detected",
        user_id=token.user_id,
        client_id=token.client_id,
        family_id=token.family_id,
        count=count,
    )
