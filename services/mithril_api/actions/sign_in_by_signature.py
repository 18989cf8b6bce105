"""Sign in with a digital signature: the nonce is spent first, whatever comes after.

The signature service and the patient index are asked between transactions, never in one.
"""

from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TypeAlias, assert_never

from sqlalchemy.ext.asyncio import AsyncConnection

from services.mithril_api.actions.minting import message, mint
from services.mithril_api.actions.superseding import supersede
from services.mithril_api.deps import Deps
from services.mithril_api.domain import nonces as nonce_rules
from services.mithril_api.domain import signatures as rules
from services.mithril_api.domain import step_up
from services.mithril_api.domain.minting import Minted, issued
from services.mithril_api.domain.refusals import Reason, Refused
from services.mithril_api.domain.signatures import (
    Admitted,
    AskPerson,
    Denied,
    Found,
    Opened,
)
from services.mithril_api.store import nonces, signatures, tokens
from shared.events.accounts import LoginFailed, LoginSucceeded
from shared.models.ids import ClientId, UserId
from shared.models.scopes import joined
from shared.models.tokens import TokenName
from shared.peers.persons import MasterPatientIndex
from shared.peers.signatures import SignatureService
from shared.runtime import outbox
from shared.runtime.postgres import retrying


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureAsked:
    """One attempt, its fields already checked for shape."""

    signed_content: str = field(repr=False)
    client_id: ClientId
    scope: tuple[str, ...]


Outcome: TypeAlias = Minted | Refused


async def sign_in_by_signature(deps: Deps, asked: SignatureAsked) -> Outcome:
    """The outcome of one attempt; every mark it leaves is committed.

    Off where either of the two it rests on is not configured. Raises what their clients
    raise where they do not answer, or where the signature service refuses the content.
    """
    if deps.signatures is None or deps.persons is None:
        return Refused(Reason.GRANT_FORBIDDEN)
    tax_id = await _tax_id(deps, deps.signatures, asked)
    if isinstance(tax_id, Refused):
        return tax_id
    settled = await retrying(partial(_settle, deps, asked, tax_id, None))
    while isinstance(settled, AskPerson):
        found = await _person(deps.persons, settled.person_id)
        settled = await retrying(partial(_settle, deps, asked, tax_id, found))
    deps.committed()
    return settled


async def _tax_id(
    deps: Deps, service: SignatureService, asked: SignatureAsked
) -> str | Refused:
    """Whose signature is on a nonce of this client, which is spent by asking."""
    answer = await service.verify(asked.signed_content)
    opened = Opened(
        content=answer.content,
        tax_ids=tuple(signer.drfo for signer in answer.signers),
        is_valid=answer.valid,
        error=answer.error,
    )
    value = rules.jwt_of(opened)
    if isinstance(value, Refused):
        return value
    if not await retrying(lambda: _spend(deps, asked.client_id, value)):
        return Refused(Reason.JWT_INVALID)
    return rules.tax_id_of(opened)


async def _spend(deps: Deps, client_id: ClientId, value: str) -> bool:
    keys, now = deps.settings.login_jwt_keys(), deps.clock.now()
    nonce = nonce_rules.read(value, keys=keys, audience=nonce_rules.LOGIN, now=now)
    if nonce is None:
        return False
    async with deps.db.begin() as conn:
        return await nonces.consume(conn, nonce, client_id=client_id, now=now)


async def _person(index: MasterPatientIndex, person_id: str) -> Found:
    person = await index.person(person_id)
    if person is None:
        return Found(person_id=person_id, status=None)
    return Found(person_id=person_id, status=person.status, tax_id=person.tax_id)


async def _settle(
    deps: Deps, asked: SignatureAsked, tax_id: str, found: Found | None
) -> Outcome | AskPerson:
    async with deps.db.begin() as conn:
        facts = await signatures.facts_for(conn, client_id=asked.client_id, tax_id=tax_id)
        now = deps.clock.now()  # after the locks
        verdict = rules.judge(facts, tax_id=tax_id, scope=asked.scope, found=found)
        match verdict:
            case Admitted(user_id=user_id):
                return await _admit(deps, conn, asked, user_id, now=now)
            case Denied(user_id=user_id, refusal=refusal):
                failed = LoginFailed(
                    user_id=user_id,
                    client_id=asked.client_id,
                    grant_type=rules.GRANT,
                    reason=refusal.reason.name.lower(),
                )
                await outbox.put(conn, message(deps, failed, at=now))
                return refusal
            case AskPerson() | Refused():
                return verdict
            case _:
                assert_never(verdict)


async def _admit(
    deps: Deps,
    conn: AsyncConnection,
    asked: SignatureAsked,
    user_id: UserId,
    *,
    now: datetime,
) -> Minted:
    minted = mint(
        deps,
        TokenName.ACCESS,
        user_id=user_id,
        client_id=asked.client_id,
        scope=rules.SCOPE,
        grant_type=rules.GRANT,
        now=now,
        expires_at=now + deps.settings.access_token_ttl(),
        details={
            "scope_request": joined(asked.scope),
            **step_up.details([rules.METHOD], now=now),
        },
    )
    succeeded = LoginSucceeded(
        user_id=user_id,
        client_id=asked.client_id,
        grant_type=rules.GRANT,
        token_id=minted.token.id,
    )
    events = await supersede(deps, conn, minted.token, now=now)
    events += [message(deps, event, at=now) for event in (issued(minted.token), succeeded)]
    await tokens.add(conn, [minted.token], events)
    return minted
