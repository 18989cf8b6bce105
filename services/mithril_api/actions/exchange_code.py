"""Exchange an authorization code for an access and a refresh token: one transaction."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any, TypeAlias, assert_never

from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.actions.issuing import ClientSecret, audience
from services.mithril_api.actions.minting import message, mint
from services.mithril_api.actions.oauth2.writing import signers_for, written
from services.mithril_api.deps import Deps
from services.mithril_api.domain import codes, values
from services.mithril_api.domain.codes import CodeFacts, Exchange, RevokeBought
from services.mithril_api.domain.keys import CONNECTION_SECRET
from services.mithril_api.domain.minting import Minted, issued
from services.mithril_api.domain.oauth2 import openid
from services.mithril_api.domain.oauth2.client_authentication import KnownConnection
from services.mithril_api.domain.oauth2.jose import Signer
from services.mithril_api.domain.oauth2.openid import SignedIn
from services.mithril_api.domain.oauth2.signing_keys import Alg
from services.mithril_api.domain.records import Token
from services.mithril_api.domain.refresh import EHEALTH, Terms, family_details, resources_of
from services.mithril_api.domain.refusals import Reason, Refused
from services.mithril_api.store import apps, connections, tokens, users
from services.mithril_api.store.connections import Credentials
from shared.events.tokens import ReuseDetected, TokensRevoked
from shared.models.ids import ClientId
from shared.models.tokens import RefreshPolicy, TokenName
from shared.runtime import outbox
from shared.runtime.postgres import retrying


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeAsked:
    """One request, its fields already checked for shape."""

    client_id: ClientId
    by: ClientSecret | KnownConnection
    code: str = field(repr=False)
    redirect_uri: str
    code_verifier: str | None = field(default=None, repr=False)
    terms: Terms = EHEALTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchanged:
    """What the code bought."""

    access: Minted
    refresh: Minted
    signed_in: SignedIn


Outcome: TypeAlias = Exchanged | Refused


async def exchange(deps: Deps, asked: CodeAsked) -> Outcome:
    """The outcome of one exchange. A code buys once, whatever the interleaving."""
    if isinstance(values.shape_of(asked.code), values.Forged):
        return Refused(Reason.TOKEN_UNKNOWN)
    signers = await signers_for(deps, [asked.terms.as_jwt])
    outcome = await retrying(lambda: _exchange(deps, asked, signers))
    deps.committed()
    return outcome


async def _exchange(deps: Deps, asked: CodeAsked, signers: Mapping[Alg, Signer]) -> Outcome:
    async with deps.db.begin() as conn:
        facts = await _facts(deps, conn, asked)
        now = deps.clock.now()  # after the lock on the code
        verdict = codes.judge(
            facts,
            redirect_uri=asked.redirect_uri,
            code_verifier=asked.code_verifier,
            terms=asked.terms,
            now=now,
        )
        match verdict:
            case Exchange():
                return await _buy(deps, conn, asked, verdict, signers, now=now)
            case RevokeBought(code=code):
                await _revoke_bought(deps, conn, code, now=now)
                return Refused(Reason.CODE_REUSED)
            case Refused():
                return verdict
            case _:
                assert_never(verdict)


async def _facts(deps: Deps, conn: AsyncConnection, asked: CodeAsked) -> CodeFacts:
    connection = await _connection(deps, conn, asked)
    if connection is None:
        return CodeFacts(
            client_id=asked.client_id, connection_id=None, registered_uri=None, code=None
        )
    code = await tokens.lock(conn, asked.code, TokenName.CODE)
    facts = CodeFacts(
        client_id=asked.client_id,
        connection_id=connection.id,
        registered_uri=connection.redirect_uri,
        code=code,
        client_is_blocked=(
            isinstance(connection, Credentials) and connection.client_is_blocked
        ),
    )
    if code is None:
        return facts
    app = await apps.of_user_and_client(conn, code.user_id, asked.client_id)
    return replace(
        facts,
        user_is_blocked=await users.is_blocked(conn, code.user_id),
        app_id=None if app is None else app.id,
    )


async def _connection(
    deps: Deps, conn: AsyncConnection, asked: CodeAsked
) -> Credentials | KnownConnection | None:
    """Whose the secret is; of a client that has proved who it is, what is known already."""
    if isinstance(asked.by, KnownConnection):
        return asked.by
    digests = deps.settings.keyring.digests(CONNECTION_SECRET, asked.by.secret)
    return await connections.by_secret(conn, asked.client_id, digests, now=deps.clock.now())


async def _buy(
    deps: Deps,
    conn: AsyncConnection,
    asked: CodeAsked,
    verdict: Exchange,
    signers: Mapping[Alg, Signer],
    *,
    now: datetime,
) -> Exchanged:
    code = verdict.code
    settings = deps.settings
    deps.uses.note(verdict.connection_id, now)
    family = partial(
        mint,
        deps,
        user_id=code.user_id,
        client_id=code.client_id,
        scope=verdict.scope,
        grant_type="authorization_code",
        now=now,
        app_id=verdict.app_id,
        connection_id=verdict.connection_id,
        family_id=code.family_id,
    )
    refresh = family(
        TokenName.REFRESH,
        expires_at=_refresh_ends(deps, asked, now=now),
        details=_kept(code, asked.terms),
    )
    resources = asked.terms.resources or resources_of(code)
    access = family(
        TokenName.ACCESS,
        expires_at=now + settings.access_token_ttl(),
        details={
            "redirect_uri": code.details.get("redirect_uri"),
            **audience(resources),
            **asked.terms.confirmation.details(),
        },
    )
    signed_in, as_jwt = openid.signed_in_of(code), asked.terms.as_jwt
    signer = None if as_jwt is None else signers[as_jwt.alg]
    access = written(access, as_jwt, signer, resources=resources, signed_in=signed_in)
    await tokens.spend(conn, code, at=now)
    events = [message(deps, issued(made.token), at=now) for made in (refresh, access)]
    await tokens.add(conn, [refresh.token, access.token], events)
    return Exchanged(access=access, refresh=refresh, signed_in=signed_in)


def _refresh_ends(deps: Deps, asked: CodeAsked, *, now: datetime) -> datetime:
    """When the first refresh token of a family ends; one that is used again and again: later."""
    if asked.terms.policy is RefreshPolicy.REUSE:
        return now + deps.settings.refresh_token_ttl()
    return deps.settings.family_lifetimes().ends(now, now=now)


def _kept(code: Token, terms: Terms) -> dict[str, Any]:
    """What a family remembers of the consent it grew from, and of the key that took it."""
    resources = resources_of(code)
    kept: dict[str, Any] = {"resource": list(resources)} if resources else {}
    return {**kept, **openid.details(openid.signed_in_of(code)), **family_details(terms)}


async def _revoke_bought(
    deps: Deps, conn: AsyncConnection, code: Token, *, now: datetime
) -> None:
    assert code.client_id is not None  # noqa: S101 — judged: it is the asking client's
    count = await tokens.revoke(
        conn, tokens.of_family(code.user_id, code.family_id), at=now
    )
    await tokens.mark_revoked(conn, code, at=now)
    reuse = ReuseDetected(
        token_id=code.id,
        name=code.name,
        user_id=code.user_id,
        client_id=code.client_id,
        family_id=code.family_id,
        generation=code.generation,
    )
    revoked = TokensRevoked(
        selector="family",
        reason="code_reused",
        user_id=code.user_id,
        client_id=code.client_id,
        family_id=code.family_id,
        count=count,
    )
    await outbox.put_many(
        conn, [message(deps, event, at=now) for event in (reuse, revoked)]
    )
