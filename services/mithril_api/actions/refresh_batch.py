"""What a batch of refreshes makes: verdicts, tokens and events, before anything is written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeAlias, assert_never

from services.mithril_api.actions.issuing import ClientSecret, Proved, audience
from services.mithril_api.actions.minting import mint
from services.mithril_api.actions.oauth2.writing import written
from services.mithril_api.deps import Deps
from services.mithril_api.domain import refresh, values
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
from shared.events.envelope import Event, Message
from shared.events.tokens import ReuseDetected, TokenRefreshed
from shared.models.ids import ClientId, FamilyId, TokenId
from shared.models.tokens import TokenName


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


class Batch:
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
