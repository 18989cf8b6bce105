"""Exchange refresh tokens for access tokens: set-based, a verdict an item (D9)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeAlias, assert_never

from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.actions.issuing import ClientSecret, Proved, audience
from services.mithril_api.actions.minting import message, mint
from services.mithril_api.actions.oauth2.writing import signers_for, written
from services.mithril_api.deps import Deps
from services.mithril_api.domain import refresh, values
from services.mithril_api.domain.keys import CONNECTION_SECRET
from services.mithril_api.domain.minting import Minted
from services.mithril_api.domain.oauth2 import openid
from services.mithril_api.domain.oauth2.jose import Signer
from services.mithril_api.domain.oauth2.openid import SignedIn
from services.mithril_api.domain.oauth2.signing_keys import Alg
from services.mithril_api.domain.records import Token
from services.mithril_api.domain.refresh import (
    EHEALTH,
    Issue,
    RefreshFacts,
    Repeat,
    RevokeFamily,
    Rotate,
    Terms,
)
from services.mithril_api.domain.refusals import Reason, Refused
from services.mithril_api.store import refreshing, tokens
from shared.events.envelope import Event, Message
from shared.events.tokens import ReuseDetected, TokenRefreshed, TokensRevoked
from shared.models.ids import ClientId, FamilyId, TokenId
from shared.models.tokens import TokenName
from shared.runtime import outbox
from shared.runtime.postgres import retrying


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshAsked:
    """One request, its fields already checked for shape."""

    client_id: ClientId
    by: ClientSecret | Proved
    refresh_token: str = field(repr=False)
    terms: Terms = EHEALTH
    traceparent: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed:
    """An access token; and, where the client's policy rotates, the one successor."""

    access: Minted
    refresh_token: str | None = field(default=None, repr=False)
    signed_in: SignedIn


Outcome: TypeAlias = Refreshed | Refused
Signers: TypeAlias = Mapping[Alg, Signer]


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
        batch = _Batch(deps, signers, now=deps.clock.now(), successors={})
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


async def _rotate(conn: AsyncConnection, parents: Sequence[Token], batch: "_Batch") -> bool:
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
        batch = _Batch(deps, signers, now=deps.clock.now(), successors=successors)
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


async def _revoke_stolen(deps: Deps, conn: AsyncConnection, batch: "_Batch") -> None:
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


class _Batch:
    """What one transaction makes; an item sees what the items before it did."""

    def __init__(
        self,
        deps: Deps,
        signers: Signers,
        *,
        now: datetime,
        successors: dict[TokenId, Token],
    ) -> None:
        self.now = now
        self.made: list[Token] = []
        self.messages: list[Message] = []
        self.spent: dict[TokenId, tuple[Token, Token]] = {}
        self.stolen: dict[FamilyId, tuple[Token, str | None]] = {}
        self._deps = deps
        self._signers = signers
        self._successors = successors
        self._traceparent: str | None = None

    def settle_all(
        self, asked: Sequence[RefreshAsked], facts: Sequence[RefreshFacts]
    ) -> list[Outcome]:
        """Judge every request of the batch, in order."""
        return [self.settle(item, known) for item, known in zip(asked, facts, strict=True)]

    def settle(self, asked: RefreshAsked, facts: RefreshFacts) -> Outcome:
        """Judge one request and note what its verdict writes."""
        self._traceparent = asked.traceparent
        verdict = refresh.judge(self._up_to_date(facts), asked.terms, now=self.now)
        match verdict:
            case Issue():
                return self._issue(asked, facts, verdict, None, None)
            case Rotate():
                successor = self._successor(asked, verdict)
                self.made.append(successor.token)
                self.spent[verdict.token.id] = (verdict.token, successor.token)
                return self._issue(asked, facts, verdict, successor.token, successor.value)
            case Repeat(successor=known):
                value = self._derived(asked, known)
                if value is None:  # its key was withdrawn within the grace time
                    return Refused(Reason.TOKEN_EXPIRED)
                return self._issue(asked, facts, verdict, known, value)
            case RevokeFamily(token=token):
                self.stolen[token.family_id] = (token, asked.traceparent)
                self.tell(_reuse_detected(token))
                return Refused(Reason.TOKEN_REUSED)
            case Refused():
                return verdict
            case _:
                assert_never(verdict)

    def tell(self, event: Event) -> None:
        """Publish an event with the transaction."""
        made = Message(
            id=self._deps.entropy.uuid(),
            at=self.now,
            event=event,
            traceparent=self._traceparent,
        )
        self.messages.append(made)

    def _up_to_date(self, facts: RefreshFacts) -> RefreshFacts:
        token = facts.token
        if token is None:
            return facts
        if token.family_id in self.stolen:
            return replace(facts, token=replace(token, revoked_at=self.now))
        if token.id in self.spent:
            _, successor = self.spent[token.id]
            used = replace(token, used_at=self.now, successor_id=successor.id)
            return replace(facts, token=used, successor=successor)
        if token.successor_id is not None:
            return replace(facts, successor=self._successors.get(token.successor_id))
        return facts

    def _issue(
        self,
        asked: RefreshAsked,
        facts: RefreshFacts,
        verdict: Issue | Rotate | Repeat,
        successor: Token | None,
        successor_value: str | None,
    ) -> Refreshed:
        spent = verdict.token
        generation = spent.generation if successor is None else successor.generation
        resources = asked.terms.resources or refresh.resources_of(spent)
        access = mint(
            self._deps,
            TokenName.ACCESS,
            user_id=spent.user_id,
            client_id=facts.client_id,
            scope=verdict.scope,
            grant_type="refresh_token",
            now=self.now,
            expires_at=self.now + self._deps.settings.access_token_ttl(),
            app_id=verdict.app_id,
            connection_id=facts.connection_id,
            family_id=spent.family_id,
            generation=generation,
            details={**audience(resources), **asked.terms.confirmation.details()},
        )
        signed_in, as_jwt = openid.signed_in_of(spent), asked.terms.as_jwt
        signer = None if as_jwt is None else self._signers[as_jwt.alg]
        access = written(access, as_jwt, signer, resources=resources, signed_in=signed_in)
        self.made.append(access.token)
        self.tell(_refreshed(access.token, spent, facts.client_id, verdict, successor))
        return Refreshed(
            access=access,
            refresh_token=successor_value,
            signed_in=signed_in,
        )

    def _successor(self, asked: RefreshAsked, verdict: Rotate) -> Minted:
        deps, spent = self._deps, verdict.token
        successor_id = TokenId(deps.entropy.uuid())
        started = refresh.started_at(spent)
        expires_at = deps.settings.family_lifetimes().ends(started, now=self.now)
        keyring = deps.settings.keyring
        random = keyring.successors(asked.refresh_token, seed=str(successor_id))[0]
        value = values.compose(expires_at=expires_at, random=random)
        token = replace(
            spent,
            id=successor_id,
            digest=values.digest_of(value),
            app_id=verdict.app_id,
            generation=spent.generation + 1,
            scope=spent.scope or verdict.scope,
            details={**spent.details, "family_started_at": int(started.timestamp())},
            expires_at=expires_at,
            inserted_at=self.now,
        )
        return Minted(token, value)

    def _derived(self, asked: RefreshAsked, successor: Token) -> str | None:
        keyring = self._deps.settings.keyring
        for random in keyring.successors(asked.refresh_token, seed=str(successor.id)):
            value = values.compose(expires_at=successor.expires_at, random=random)
            if values.digest_of(value) == successor.digest:
                return value
        return None


def _refreshed(
    access: Token,
    spent: Token,
    client_id: ClientId,
    verdict: Issue | Rotate | Repeat,
    successor: Token | None,
) -> TokenRefreshed:
    return TokenRefreshed(
        token_id=access.id,
        refresh_token_id=spent.id,
        successor_id=None if successor is None else successor.id,
        user_id=spent.user_id,
        client_id=client_id,
        app_id=verdict.app_id,
        family_id=spent.family_id,
        generation=access.generation,
        scope=verdict.scope,
        expires_at=access.expires_at,
    )


def _reuse_detected(token: Token) -> ReuseDetected:
    assert token.client_id is not None  # noqa: S101 — judged: it is the asking client's
    return ReuseDetected(
        token_id=token.id,
        name=token.name,
        user_id=token.user_id,
        client_id=token.client_id,
        family_id=token.family_id,
        generation=token.generation,
    )


def _family_revoked(token: Token, count: int) -> TokensRevoked:
    return TokensRevoked(
        selector="family",
        reason="reuse_detected",
        user_id=token.user_id,
        client_id=token.client_id,
        family_id=token.family_id,
        count=count,
    )
